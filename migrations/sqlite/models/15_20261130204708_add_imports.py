from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "import_remarks" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "import_id" BLOB NOT NULL,
    "number" BIGINT NOT NULL,
    "line" BIGINT NOT NULL,
    "reason" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "is_refused" INT NOT NULL
) /* A row of an import that was refused, or imported with a remark. */;
CREATE INDEX IF NOT EXISTS "idx_import_rema_import__7f0f08" ON "import_remarks" ("import_id", "number");
        CREATE TABLE IF NOT EXISTS "imports" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "kind" VARCHAR(20) NOT NULL,
    "status" VARCHAR(20) NOT NULL,
    "file_name" VARCHAR(255) NOT NULL,
    "format" VARCHAR(10) NOT NULL,
    "options" JSON NOT NULL,
    "actor" VARCHAR(320) NOT NULL,
    "size" BIGINT NOT NULL,
    "position" BIGINT NOT NULL,
    "line" BIGINT NOT NULL,
    "rows" BIGINT NOT NULL,
    "created" BIGINT NOT NULL,
    "updated" BIGINT NOT NULL,
    "unchanged" BIGINT NOT NULL,
    "refused" BIGINT NOT NULL,
    "noted" BIGINT NOT NULL,
    "total_rows" BIGINT,
    "is_dry_run" INT NOT NULL,
    "is_background" INT NOT NULL,
    "problem" TEXT,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "started_at" BIGINT,
    "ended_at" BIGINT,
    "holder" BLOB,
    "held_until" BIGINT
) /* The import of one file. */;
CREATE INDEX IF NOT EXISTS "imports_unfinished" ON "imports" ("status") WHERE status IN ('pending', 'processing');"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "imports";
        DROP TABLE IF EXISTS "import_remarks";"""


MODELS_STATE = (
    "eJztXelz2ziW/1dQ/pL0ljqbw0n3JDNT5XR7pz2bYzbH9ky1p0RIhCSOKVBNkFY0vf2/73"
    "s4eImkCVqSZQYfUrFIPBD8AQTe/X47WUY+C8WjH6KUJyz+EK1PXpLfTjhdMvij5u6InNDV"
    "Kr+HFxI6CWXzqWonL9KJSGI6TeD6jIaCwSWfiWkcrJIg4tj6jOj2Lwklc5rOGYk48emGPB"
    "4R6JqRZAH/ooSGJJpBG7z1MJBNBBEBnzLy5A/fPf7mET7Pj6bwwIDPd991yoNfUzZOojkD"
    "shge8MsvCiJ8Lt2c/POf8EfAffaFCbz728ksYKEv/1YNsQH7soqZEPD28gZeMjjLIY7xlw"
    "J0s5KXTyQVwIg/yM8/nX84lyP9E3l88jvSr67G8kmlSQt8pJPXx6an18H8gif/JdvioCfj"
    "aRSmS563X22SRcQzgoAneHXOOItpwvAJSZziLPI0DPWEm4lVAOVNFBQFGp/NaBriWkBqNY"
    "D82sl4/O79p/HH80/j8cnWOjEUhfnVl6aAJIADQxUSgDkO4ds/PH367Nl3Tx8/e/H989Pv"
    "vnv+/ePvoa0c7/at735Xg8nRUl1JzC7+cvHuEw4ogoWsVjhe+F3S0ISO81nO0Tfrooz/Dw"
    "sa16Nv2lfwhxer4m/QbpsAcyGfgfzjO8QULOmXccj4PFnAz6ePH7fA+79nH3746ezDQ2j1"
    "TRnkd/rWU3UP8c7xxe9tC97Gta1b37y4dwXu4/0u7qdPTr87/f7Zi9NsTWdX2payWbY5jN"
    "c0TGvWads+kZEMBs0DbBW4S8+uCjsFXpjQ6dWaxv546070NGpqu31r+XRZvUI5nUss8b1x"
    "wPoEf8sS2nC4m1utJ/sSGnU91bF/n8jVgodrsggECQB+CmsBW42ISKcLQuFqAv98EsXyOI"
    "4ZFXBKy/NYMO6TRRT65KE3Y3Ace7Wn/D4fVXPqV475xhP4itXsUc1HgG6+mxPgbo/g0v7/"
    "4rTD9v/itHH3x1vth23DLvYJmCa7Pex+Hrct8H46/7vcj5ZC/BoWYX349uzvEvHlRt958/"
    "7dX0zzwjT88Ob96+PZwH6AN2c8aRRQsrs3CCiynYWAwhNo8kCQ6SIKQCigkyhNYNMIA5G8"
    "klsJ/kW8//AI7DrcF2QGWwy7ZvFG3qkXTW7b6SW/5J6I0hg2KyJQZFkvIrKkvpJrVLcjAq"
    "TEw+1tHPgega0Rby5pEMIeCRQB7IyyuRqPog+SZpFHNxwrgQFHgn9WhR8nlxylXFKevAr7"
    "7NfPQJmmMhNpGviPPn+++HFYG+dr3PbwbSORzGN540S+ZZl/Nqvf4pgvkAzi9Ckf9k86CX"
    "tPWoS9J9vCnkgnOLQJq9s6oihklNdjXSaswD0BynuId9uiff/+Tem0f31RPc4/v319DvhL"
    "9KFRkJT2jcI+saAcTuAxTerEbDyPGrbrMuHhZMSB7NyFRS8PdpudJacY4MZy2mVfOW3eVk"
    "63dxXFEnU/BwsEtzgENc9xLCj3OwOPRxxAzqRZHDB3bxIHsJ2tONDC1CvWHMRPFnMaFvnu"
    "VLBYaiBm8mdRSwGSwCqO/HSaaJ6d8ohvllEqZAeyuSSkl3wSR2vo6RVhFNh36BuBQWY+RN"
    "4dL6T8ikdr/oh4IDHwZCzYr9kgPPlDDyGXQ0IK4oZsDeP3YnYdoJXCU0YUoWUK3N0F0q4X"
    "NCFJGnNBfDYNQGiYbHJFCzamvo+WDvky+klS7MLelyzGUwJWYZQNy0ggCfYcs1VIp8xX2p"
    "yII1YgHEk6hY985QjlknUgGL5oTIU8ebxLDjSCJTBIxitvuWKxiGBWCPLIZA1jVXQdtT2/"
    "nCBMACfjeMb9E3eUgpmn8F43WXt00+Lqa7P4FHomFx8JfPvk3ec3bywtQE172+55+zsVtv"
    "py9s2CU+FjtjmTK2S9DuYjOzEOYN1hqJ6wgtkQDA/gZ0+7AAytGgGW98oAF48WG5yrdMOD"
    "ey/rGc51OHaSQNn1y2D/9eP7d/Vgl6kqUPsBnJT/JxWB++LtT/44S/kU4SSTNAgTYFYe4W"
    "P/fHL4XRtRaldkV3XWlS0eO3hd3WYMZ2SnkSyROStoP/HWsJd20Bep7hD5x/cN7VkQF5jW"
    "ba6wTaOzReuUOr3noSQ72E1DldTNQu9ZmMYMIeqh3CwRuhnoPQPpyu83A2VCNwO9Z6CoqN"
    "ieggYtQYXoa9eClnhJo3yyXNAlul7r+cig/Oqc6s7lDJ4pZWeDKnqrzahNIW3WhGrOOiqm"
    "Py0YETSEdUIWVCykpphnSlj1S/VstKEj7f6xTEVCeJSQiXIMgRZ0DhO6reHe0zNu4WSHw9"
    "j+5H4M5kw0fHGGomoO3iQK6SErOl//49P52U2azjvbyb7ek/mItrI0Zi2bmL574/aVxjbb"
    "lqZQnrh643hFvFnAA7FQJp3MyJXyJAhhJ6kYcuB2yGY1Rrk99H/zdlWyCcUMWgvNtd5gFD"
    "LYjeOUc3yDUbtVqPAK0irUbhE6Lu+v+7RxdrAQlabZbuuskrrd8xaaruyDsNZzlSgdL34P"
    "D7ALn8H2nWwaTrDi7dYjLFANg66H2BknmmRTOmReEi996RmvjxHxGPySxkqMQfEo/MpMat"
    "CgxqVkhx3fgss2Y7CxFRZpBhfU8uxZJ6vssxar7LPHN8W1HNdxvb2XHf95fSTb0lvUmzUG"
    "3ul7rRuS1Lx19lCTrXG/QL8p41YlPYdgU8Bvv8537WaiUsBJoMNNpEoQfayWL7WvmTcyAX"
    "b4qsbPDG3ZNIEb+t4V2zyCTYz7ke4LOFgKD0i5GghnzBfkoedHsKvx/5QXxzGbRrH/aLXx"
    "vnmFjm4gy1f4dHjaBEZrXkDoZ3CmmfxLXnCVk5Ew8mkY+Sduv0t2/04dO33D5gdi0HVwHc"
    "V2Lrploq99+6tT+FugWSJxWBbcp2xlCyfW3VKsc9EQ+3cKhFPeLmeJbn84fE9ODoLuXnwA"
    "kQvZRrfZ+8+0d35/2PNO/f4yhtDW+aBI5/RDvZ0/FIwTK21CiWh4bsc729CPROL9mK6Mja"
    "NB7q20GLVJvyJv210hZ6zSMpxo2/xcq2u7iUZKwNpaJHPHBbmAWxjko4aEC7LbKU3RPh4k"
    "UkzW0ijjaHLCRpfcB86aeHi6SmoarjG3AzZ8iY2mgA9Zx0GCcVgxJrHxRUvChq7Cq351m2"
    "+yQDI8Bd/uOKw2kxEmILKBPKcYIFe7+xhfJ6gd+nCvFyKaUzHdSog4siO9BbydJWJyEeyD"
    "sgycXzens8rutfJGUuXenSuSzUumxFpGqKaZ5H1y81LuMYNpqaghWQewrmQeK0Onw815up"
    "ywWDFDaswVWwOGhWMkueTyPCnhipHsXAaTc7Fm8GekeC1YyCweqc54HIXhkqkYdQxKN0/A"
    "vFkxLOMRweb+JcewceCuJFMn772CccbRGkfixWyWCsDNk1YFHNi/ojTmbFPttdQDvl5mEb"
    "nk+eBeEo+uAm9EPN0N/hnD+60CZSPxfCoWkwiWkCdtttMw8KA3mZtOMX7Ajy4x9h6Ht4QB"
    "bUbqFbxpGseMTzeeTGiYLGLGvg1ZkgBAyB2+UiYQGrMCe5mPjMzpNUNOUvUOz5QsKc6pDJ"
    "wvg4pWHlHAIg7mcxYrk48CRKcr8NkqWag8BWqucdiaTM0MwJNRI77argT8Ncwyyzt8VM19"
    "oAelsx4YP1M5GXJuFhRn5JIbq5V84SCR0f0igb67R/eX7acY5AdN8jzPmOmsEvJfiom9yb"
    "1LLvyx/khM7L/8nlucvPIxdfDxckaoHRqh7tQCP4hztsyvWEbaHjzGdnjsuMtD7iL7vz4N"
    "f8ZH2sxKichNys4nJZpKvrWHa26F0p0Hvc8DEEBYcN3PR71E6ebA+TIcq9a3IR/8f4URtU"
    "wIP0OSQbHqP77//PrNOfnbh/MfLj5e6F3eqB7VTSn4ZrlhP5yfvanmT9DqB5slXKQZgq63"
    "Yi3qYitqthRVF7DRx1gInQUKJ3IWGcFVUhMf3FwpyLQfTF6nndUKcjnj9i5ZHolR4sJny1"
    "WU4HbdHEhVbDG6IZbKtB1fsY1VRJUhxGgBZY3QoZIjaWgoKOWlHjhItLo3yznry0QASIqa"
    "8knkb5pirPb1KFdA6Gg+r1GLplcl9bM5cosUrihG8cyVH8I2kG1JOXKaXaXluF8w5ok57k"
    "2asmEWzzmSI/iDMkY3HL+Fu61HrzFpdztyf15scruqMXIrQ3Buzldp2EuWcVSKMi4yU72y"
    "4W4ds7vtXnojKG84ZSxXfpEm/7xHQ3SM3IwZ1v9lvmdy6ifeluOmRqmziViPTm/9uUeeMv"
    "+WTMj/dGba3Z0wzYd3eUa68ktlqgFq1vZSjMn5rO5Ze3nsUf/HzEbVJWZ0jL0Le3UcqDUH"
    "eiYdLhsY0PxmK/+pnDY7p60IKaZigPUHM1dgBClMxzRaSqc65qvSqPoG8m7SqTRChcxkI1"
    "UvSpasS3Gx+wfUVkjNnSf1LqKlW1cj9Wg+sjZucmv6Oh4bVTJ3djil0M6VQqhXrtscOI03"
    "9Sgaiq8Hw8xrCbjs1xfvzj78oz7Kpg3zIzmFz7NNpSlIpNSg9TQuBEp0O5HflxJBFUMitg"
    "/XlrZSVaOyNG3V+qNJIdRgpJOvYgNZdUTWFySrNBGyqiHX0R/6bH5EvDUNkjzwAn8VgjXy"
    "EAZ4aMC1BggbjRUL4KmsUzI4BCNoCeaK5exLonrChRf4MO5LrgNW6AxDLDwR8CmTFRVH5g"
    "fqlVShdflT5cGCAWJeKRZnr72O4iuMYpEVDlOOr4Vjh9cZqaAFgfXdge1QDQURC6ojI/C4"
    "mlCcJvmcGeM6C5dEC37BRACbcsX4SyIHb4o2XnI6/TUNRIDTqvJhmczi/hgjQkSpxCPGIO"
    "tAGuDdGBFXwWoF+EyY9DEozZ6Ju9D9Qd9LJvPX+mMKvaoMgLDSVc/zCF7MWMsQGIwTqpsu"
    "PZpZFMuXxZDreKnjcmQsEPzKrHB5YwzFSZdL2Ag9Uz5SR2nLKpX5K8GXwTCFOUakeMj4wb"
    "uoLMB90vuWZe+yUgneJpZWz5sCQzC3QRhcw8rJYJDfrt6sP7+7+J/P0jGnGhsC0lfCyMU7"
    "8vABDAJ6eDAiD3D5wnLAP/04gEXr458rCmvKf/DNye+jtmFX41vW9Ip1yVycsz9IcWM9S9"
    "1tsZYlOXv3Y/sLybGXRlfG236scm0caKxyo7Ebnt7qbhyh6XpriMXlnUcPjbaQk6+Sa7Fb"
    "MYYNVNuaO0Q8FZdFcHOZU9N7ucZp64CsBhEzOLJuXp00SdhylZA/k8d9Zlpt+xbDUgQ3Dk"
    "s1c/Vfv7JIsHvIg98gDjqLzeEsNjkTYgF1ichleOsSC5YdoZ3d+g3BEFfy0y4L+WnzOn5a"
    "hVfHjo/tDTp1lG43LpkcfTaur6TU4tFfJBriCn7RZQW/aF7BL7ZWMJxedRa0BvWnae5c0b"
    "dc0RV3boFlgcLBWYXTSM01cLYYdwtULhdm31jAojDddeMt0rhgik6sGUK2DXFzVjLTfgjw"
    "tqC5l6xkBQW7LeQFMod8j3xwxi5RZyBsybJSJBvM6XjooG5tBrI8RItkDvrbQC+Fu+4yYY"
    "XIxcyW00rWJE5pydKk2w9mAe+Ms94ytVrAWkt7hxA/Ph5Y0ZJsv9cWqJzA0nezLRj4bWSW"
    "CtkQuLt9a4vQy8GGgTbth4DtoTln6U1jsTdn7d2RV90glKOXzcLNKdzStV+62tWgM+Obt3"
    "c8b8FGGsdRDYjNizYjcGvWfs1iGnr7OMIy1RBwP4DmU8c/23PLZUIXw9WbY05Xfr80DmVC"
    "NwO9ZyDzu7T9AvzboX9su83daOeUS7bN2VogGcIuf+jTtejya7nkq6Ru2d/DyN2/Ki/Jho"
    "Chwt1RW7SQqdwhW3UI3jU5W6gwlTdCKhIiGJbi4DpsxGd1YbldSWUgEeM4Ql8XjZcRGllt"
    "eSBkSR4iBF3q/DKFavDY67hQwk8+SqaDwXCQ9SLABDLw7PgaOg4j6utSJyaaiXjzvJp8nk"
    "tG2hOIIi8OAIvkRNAPn0N3AVeBSqpIS5BkJXTycvQFOnw1to+a9M0s9i4da48og9wO3Wqb"
    "PcThHQIug6y2EW9LOl+kOnzW+bs59/aSX955MR5EL6034G2QX0dRyChvYqYzqmogMpDtC2"
    "az5RxY5/T+/ZvS6n59UWXbPr99fQ64S9jzXNvb3LMMgx3rM8uSmduidSJkfymm1ww47HeB"
    "/bxXsfa5K9V+r6WYjwlbNZUO17da5RcBjToKLxj2rx3EhUr97E2TL4+wB0/HmQuZrVILIy"
    "Y30IZhqcJAjKNrjPFHHw2ZH0jHmG6LOvt8ULdMRDIU/Tayg0tDtNttzqUhOqid7y5Tqt/1"
    "CbJ/Y5PZ2+qO6vbAnAM7t+1/89hh2Q3MoWejPs8pnPa8h23aeQIcEG3N01gqEwpUB1Qm3N"
    "HBdjtlwpFw85+AkW3g5s2tVm4+S9PTLWuZzBumy4Rn/NBLyTOvaJyYzO9Z9k+TWh4/ZcWI"
    "Z0nBtpj4PfTfjXdXVdUd++7Y96+WfdefQHf2MidwzGWds25IN338BEp0Q0L2wKpNZ7I6iM"
    "kqSpNptLTKzVMgGSLEO8/Ok6lbOzt5GYJBwOuk1KGhfSSC01mS0OmiJQF0ucGotRxD1rSz"
    "V9dM+SUpy4SiR3+oiFDiBzGbgiCDCYNfEQ84N+nGIt2ipCCECXhHZBZHS/K4zu1rp33v2E"
    "XK5cnsmScTI5WtBJ4CwX5FnfuAa4Ez10veQtYpkgyJJ9+ZtIMbjvzbgg8s0gyCU6mYgZ4/"
    "72IGev682QyE97YrmMnc2giUBdZVOod3N7xF8G+b4GXT3O0RtRK5XIN1mtPmEisFIldlpc"
    "piu3LHR6yMOhIp53UYTa+Y/xbY/QYxp9Ji1CbnTFTbsSxl0k3S+RnFELTmIA0B6eJKhn3A"
    "xSnl6JE1wcooPnsp7TiqGoB04EL2layDZJHdSAXx9Ai8uirI+3mQjI25ZrEsNOARRE9Fp5"
    "hrxiaF7hYh9iofuqDXDDABJscfqd7FStZNmbBkjfE3QLKEzr0Zhs94xFSjuaZhykRevSXr"
    "dUH928pjxyJCDEwyM1Nkw5EVaQbIje0l3b754GxwLtIMEOe9OJuZXd6aXygTOn6hr/FKHg"
    "nb2DfHumUEhw9zO/njLOVTxJVM0iBMAi4e4WP/fHL4/XtnwW9Hwrz9KJW1LbxbuUEr66YU"
    "v/acW0ljLAvFTRgW71Nu8tEaPeo9VezuJVkvIgIPZgR4E9Qnq5J62DJac6KFuSbWbQ9Pkr"
    "ybYCDHJIUqd5rF0mzbKo5WwvSNer5r5hXKJeajCdlMP0ZEeEGWuJPPwfYhE0IHHl+xFUYV"
    "qCKrOpiZZq5LMYOPS0BPSUR8luAbS74TZhbr+i1XEXQ53UAvm0suGUcK3CsGY2tKxwUeJR"
    "fo6vDaw1qnrcDVZueWnVM4E6y9wRsLem5gI7HhN4o0x8Fy4PPuNctRUthNbSZDtXbTsPNp"
    "mNjNw8RNxJ4mYsGoqeHZdTIKJMcxIfdeJupky2nZpRotOXYTcn9O670gn8koNtiXiI7jcx"
    "jU/qQlTLspyUjc59Af+SvGVmLcbFpui3XbonXpc7qnzxFXgQJP2AO/RXtA4LMr9xb5iq9p"
    "R9eUCpXLrr/lnuKcJL5aJ4lzPocbLa7g5QajNj37IujsA84xvSbHEFZKpmEwvarx5d5uI3"
    "XaJb9tVB+rcDyjYw4DfmWcuJXK2kvj0FMOBTSes0S5PqgeCbo3INuBvUHnixSQ8kbEW8KW"
    "EXDmweNHWiXuLXB+5d/YIuVYfMaDLgAfnmfunIZUZBr2z4LF357hfTkWeAJnyTqKr/SAYu"
    "AO8eMg+rKhu/gb0YWaOqq8fzvJJ/wkH+gJNmNfVtiTtAVryky8hCkbL/S3bb7cE0kDU4g/"
    "yM8/nX84J3mX5OIjgU+NvPv85s3J784B3u4wdA7wh8e1wDPDwLdBbEnVo9sP0H3i+w7OE9"
    "83uk58X3WcuDehBfeFKYNDy8YQpJs7K5C9FUhzADb7QoHEbQ03bQ2SPbJBNyMYILanXZzW"
    "Tpt91k63XNY052gDcIFkgBC/OO0A8YvTRojxVlXvYCkYuxwWPSTistkrk2DskC8TuiS991"
    "AlccEn0ZcGbUR2b9SmiAiwVUdNBJFOblO6SrCUrC6awSP0jbsOfKyvIdCnbhbM8X5dyLl9"
    "B5bivOkb9Ww3yPPyzWH9x4zeKNJjG+hSyvPtsvyxiJ8Dk+qTaCxdLG2O7iLNAM/uZ0+78E"
    "fQqvH0lvcqPuVxtLRHukzlsO6GtUgn/2J1wlRbZbaMZBAoH1p+rV/YbaHFDYt6wJ63O48r"
    "LhzJdgxqhdIZzfqKCJp9sYS/QOWEg3soHLwFxhfuNIgHhbutAsJStbMo5RFLR3vg7yW3nw"
    "VPjwhWt0RunPmviEgibDJhs0iHNMtySaY8R33tjp317OJijo3Bd8zQwZkhx+sfjtd3jOfh"
    "GU90b7Hyts0InPNz+2bTJxbAOc59tYzoR+CAmkrJ6VutLKiM5u7Gf2JxCBWLnUQk4sxUnh"
    "6Zkm4yjU/I/DmLHxFvEYU+VnTT/mho6WOxycyjqrwRrHRSX4ViHw+Sfnu6L+AaM4qYTYNV"
    "YJzjiAcfwYQtaDgbRzNPl+iWRBjzLlihLIYciQp+D2bykZccOhXRkuG4MTweBmiUpdkDtU"
    "+dGiPWBE8ld+3p61k77CMpRuZfcoWLTIE00iW5MRRU5jUqjPQBlgM39ac8ub3qR5sSfUkk"
    "0SmA40VxMIdTMyxio+dB5UKCazgkeCDsG/gEk0NHNsd+N2QmHSVLiQQwhP6Sazd/FC10kg"
    "CL+iCYUXtcV+CvZKHQBcY1jZ+yDqYKOYNjaHuTnUJ1V3Y7xF248Px05Zv9tNNTcQJwzd/w"
    "ZJ0Q60/kAZIBwYOtJ6tvoONTZVtx01NVs9b3LX4o3Z4Nq2MsUync+Phi3+2DyFdttzHAXe"
    "3Y0fr8vNvq4385UTOCZOqh1aVnrhZzTOE156bai3u1lHfzLb47qGUa56x6VMV+jkzbeXtM"
    "y7tFV/VAmWoIPpYHSFmXcQ4WQBdphgfzXjLWFfIm2aJdQ7oT0O+2UNv+IXdJLw+zg6DwZL"
    "lTF0gcyh336cMbKY5slz60jUKm3bPR4WYEx6HDHVQ+lztxwjuyD+AAtiKtYbNBuUDiQO7m"
    "fJdpR7oz3IZiiMflzgsSxoyKuhjHZoBziuGt4b0w11p5vAVxqz0tJ3JOXX396Y7cmPkVzE"
    "DBimE3A2VCNwP9w84ovG2PCSjRuS2oL/xoHrIHv0DloO8Lvc/C4Jr18mivkrpJ6DsJmO+o"
    "zwyU6Bz8vTkgTAnViwMqEboJ6DsBJmTWRsAq0gxPxNp9ugiDl6VivUI2PKT3Iswapy8bZW"
    "+R5jj0vYPy2dUOW9sbfIM7Rd7e+VEUOJWiA1pnLKtUDtECogVvuu6Alom+djyPxDX8LPWD"
    "pnSq2b1Rm3M4xVaySZdUqiD/xhuTOVSSkjCaPyLeehHlLs0rnP4ofiCMF/SIUKy0BRdWMZ"
    "sFXzDTqgesbE2B2X095OaQxV8yY7Pz4TyID6fLdXVoqQc+IBtOXDcfoL1uP4bnaX1a0ha7"
    "c0YxQIxfdIH4RTPCL7r7D7VYnQcW5FyV2bsJ7W1S+3ZhYhn5byNH5hSuykp/cZHOkjppsU"
    "V8NwQO9XtZePi/2aaBddd32hn3VYCu1N3LIJz97QL541ck4uFG8tCqMKrhtBXvnLAvsryu"
    "SgNSy5/36kgVVJCMecbDA6sXZ1TYfkQmGx3xuGLRKpRxm9GcB/9mpmcQA5QoKjxCdYKSNZ"
    "tccn1VxTEu6QYDLgtE7MsqgGUwpqp8Ak6FjmOE+4rIjxjciBKi2t4204mTFXYoK8j/Lc59"
    "036Ah/5eXLPVl2mnpjcUA8R4x3nJj6Nq9X3aEmprVk+jFbOr/5dROPPGzvlVfeDazEeBxE"
    "3IzifEuVXetX4tZzItZ6BM6Nw6+k5ASEUyxkwr9lNQJXWT0HcSYnYd9XJuKhO6CbCZgCPR"
    "abzXZrkGxUbx9qhNu2HMex3VGx91Nqb1IpKyvwjmXGaSipR+gorFJIKXe0W8FRViHcF7Lu"
    "BirgvABEZRimmYTINt3cfenuK0DMehZbAOz9xxIs8jSmewFwtZ6avYxrk5DHyLcAhegYcO"
    "Bo+j0EqHZtoPUL/zpJsKrUWDVl3aTvi6a7bTDwTi0SespEzpGM97yHh+VPkAG/OkZndb2U"
    "5hsgp24jrPiG4vc+nzzCet1jKGCTGnUXQVsFbz2k66vAU/6VTV/VXVzYylmUY7l9sykUtY"
    "6E7b4zltBWO8TwBtRuWwdwq2+zQBx8LnBHN+wd8E/KqJ1Sk1aOd2oOk44OOscEMXlifi7N"
    "skWDKCVMpxRm2qAh3usUuBOrFt3iWQGcmvGH8gDA/Tygjt70GOPToy9ujAerdj28P2r3hz"
    "qh+n+hnYeXwsdnc3A3iln83dmdvvNzP6E02mC5Z8SJv0buUGrczoQjUdx2lX9RuWtNQPIE"
    "ClNWZ5UYJXxIPLptKNKl2T8iQIM6oFFYROp2wFK0yVCUp5fenMPTxHecSnYsHyUjw8XU5Y"
    "nLnEpzGXTurKJV4TympC6K1C1sjkYomeOMA+phE8VZBFtIYOEgbdFylgm0N3e1nac0rROZ"
    "6qB+BNLA/k47ckiyPROSxp4ykvKwTROAyQj5b8uBrdJefo4a+7hVHIgkUrOmX525gryKcb"
    "LHSdoXxgZlgB1/y7qu4kLjlay1VJorynKUCPlAE88iIp1yTCpaOLKXE9ZrjIQkbhbRf5o7"
    "AQEhVKEJaDXS9YPsAMXtkEjfuSbAQ3rhiKHvjKpjaqWTC3ECmOoPjGvRYwOtj11edpxQBn"
    "FPtigbcQPTk5CP/74rRLWOZpc1jm6ZZVX+5hdUd/kzU/Izgcx/V4v2f+0yen351+/+zFaX"
    "bUZ1faTvhtRkru5RZYZu0dlFUozTFmyZQWyZxE0FsiyI5sm223RHQ45UPN1rtDfcMewrUM"
    "92K7tIXT/g9B4PqZNmb9qbToJHKtoXFn/T82NhVLi1JRzGBJiASLnFJVr3RDlqlIzA0V8Q"
    "uDVT3IXbZO7b/T/qWMpYSqTCqRlVSNiKXaLiM+N+z8AyEvikfkk7kvC8DKaHviCQZr0Bfe"
    "CCSBS26EDCmpUCUhsGssgSrfIFDxxKrKJlzhQB9wlJBkWVYhpRYPpTCPyFhkrNsUS7GsuX"
    "BqzpqqF9uql2rlK/w6mDfyFrUMcM1GoXeFoxUoDnkA3i8h5A718LuXQ/Tn0J13zgmGxOft"
    "jH/WW50FoAUKh2gdorj527rMGJohIXpgWQQPVBuZWjcfEuK3WsNHwv3+LBXDDYxvfrOV59"
    "XK5c7crmxOVnE0lSkmIw5cGh7xEyrTywCTJ4Dhi2moIsLgLGe1XG2ffiT3uohEovhFb4Um"
    "BnxtxbrKLmW6S9npI+Lp6sHCg05WitsNfGR1GZ0uiL6baeAvuR4VqsbDiPpK241UGGaTex"
    "j7DPqma7rxiAJownQSzjSBmTIGkS/Au3J4AcHi62DK0PygVf3ZUOHwDzgjnDFfvILe88C4"
    "RRDK14qZ4po5PlO7C2ase8n8IHX0C+DAkwmD50y0d7TGFB42DaPplYuvOyI9PK5lGwbYtB"
    "8g+7uXJPCr2tXaqIbvKt/dB3B3zKmpjcpmreYUg1ytnRZry1qtLlU464RlttQCyQAh3n39"
    "DcMNbGPcnKGnSHMcKXoGVQJYOyD0CJwoEQ5pyz6wKIhsrM0HYdq7HKu3WPUuVuhrNFZdLF"
    "dRnHxgSxo3BatUm4zaRPdANh7HsnVnCT6W7nAooCp6Jf4qj7gZOqCiJUffAwFYW3LUQ+ok"
    "+Vv1V2ePgg4fCOP5h9lk4NoMpOERmcXRkjzRTnmwmhLGQRbWNISKrKmU4IOkc6ELjeS2Fc"
    "mJwPsWgUvQd8S0SLLfKOBjOYY6hgE3WXzajJrDNPocOs9erXDcBntYLxw70LuDHjMq6iTm"
    "5rRJOcUgBOYWBPeSMEkfuTaIF0gc5D0gD8RYs1E120sUhYzyhkOyRFgNtAXKfYFv2JEDH5"
    "Dv378pgf/6ooru57evzz88fCJnAhoFydFKCK2yQTepwCJkSLPtwMNjLkdkn+tDfmraqZCd"
    "SATYX8bAYxi38SeT3PhamrGSvA/gYNIlQwudqvGZ+6Ip052SITB85ZIHiQ4e8hY47fJvb6"
    "Tdz1QgEOURsvbSUjiPYHgdGf/fTvJ5QY1SkooTbMK+rGKT+EhTldlVAcOYBTwwbvvmuzqR"
    "xIA5/iA//3T+4ZyofsnFO/LwwYpxHxB9MCIP9Jvir29OfneyxiFkjSt4ERsFu2k/iJNr3w"
    "YM/f1YwJtTOIA7AIxb6di27kuJaIgwP3/eBefnz5uBxnsVpKN4WaeebYE5oxggxrvPEBHJ"
    "EdmVyshJnB1u5xYJYBKjGr1Ra6XOqE5pNIT1vpeMMyL4t6WGyFAMJpDxwOohI5fYoV6kcs"
    "gPVxs6LMTjaF1zmrYhbigc4v0Q17mq7EAvEDnceyZWWvn2uBeIHO49cefTBeVza+SLZA77"
    "voauJgtA2wbfqP13uHdN2RBZ7zQZicO8Z2halNBwbM/PlOlcMoe++Adi7McbzDpnb3AsEB"
    "7Q4JhduVcWxwrmaD+cx1FaZ6C4CfYyrTP1dgd+FUfw+sttyFsqb+UkQ8i1fHAXEpcb+K4Z"
    "eSUL9UhOWyJ0M9B7Bu4y6OXItp87So8NL9sD/iKZA78v+Mrjpwb6Bq+WvP0tPFuODPnbe3"
    "rnvlCWi7hM6JbxPYwjOmNxMF2c1LgI6jujNv9Amre5yT2weQp2nUDiK8m4dstw/GbPNhc9"
    "fgi/IPyoLBDWzQeI7l5yuDZGFzQ7BTVHFxzAKehu+IOduf/c6WH2+/8DC47Twg=="
)
