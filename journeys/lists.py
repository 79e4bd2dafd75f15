"""The mailing lists that contacts can subscribe to on their preference page."""

from hogsend import MailList

product_updates = MailList(
    id="product-updates",
    name="Product updates",
    description="Getting started, new features, and how to get more out of what you have.",
)

tips = MailList(
    id="tips",
    name="Tips and ideas",
    description="How other teams use it, about once a month.",
)

feedback = MailList(
    id="feedback",
    name="Feedback requests",
    description="A short question now and then about how we are doing.",
)

billing = MailList(
    id="billing",
    name="Billing and account",
    description="Receipts, failed payments, and changes to your account. You always get these.",
    transactional=True,
)
