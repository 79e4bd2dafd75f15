from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE "answers" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "enrollment_id" BLOB NOT NULL,
    "digest" BLOB NOT NULL,
    "body" BLOB NOT NULL,
    CONSTRAINT "uid_answers_enrollm_34ee85" UNIQUE ("enrollment_id", "digest")
) /* A large answer of a journal, compressed; the journal names it by its digest. */;
CREATE TABLE "consents" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "contact_id" BLOB NOT NULL,
    "list_id" VARCHAR(100) NOT NULL,
    "subscribed" INT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    "source" VARCHAR(40) NOT NULL,
    "send_id" BLOB,
    CONSTRAINT "uid_consents_contact_12ab82" UNIQUE ("contact_id", "list_id")
) /* What a contact said about a list; list `*` is everything. */;
CREATE TABLE "contacts" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "external_id" VARCHAR(200),
    "email" VARCHAR(320),
    "anonymous_id" VARCHAR(200),
    "properties" JSON NOT NULL,
    "event_seq" BIGINT NOT NULL,
    "first_seen_at" BIGINT NOT NULL,
    "last_seen_at" BIGINT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "merged_into" BLOB,
    "erased_at" BIGINT
) /* A person we know. `event_seq` numbers the person's events. */;
CREATE INDEX "idx_contacts_last_se_4cb38f" ON "contacts" ("last_seen_at");
CREATE INDEX "merged_contacts" ON "contacts" ("merged_into") WHERE merged_into IS NOT NULL;
CREATE TABLE "counters" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "day" INT NOT NULL,
    "value" BIGINT NOT NULL,
    CONSTRAINT "uid_counters_name_d4220d" UNIQUE ("name", "day")
) /* A kept count: a gauge on day 0, a day's total on any other day (days since 1970). */;
CREATE TABLE "enrollments" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "contact_id" BLOB NOT NULL,
    "journey_id" VARCHAR(100) NOT NULL,
    "entry_key" VARCHAR(200) NOT NULL,
    "state" VARCHAR(12) NOT NULL,
    "trigger_event_id" BLOB NOT NULL,
    "code_hash" VARCHAR(16) NOT NULL,
    "turn" INT NOT NULL,
    "attempt" INT NOT NULL,
    "wake_at" BIGINT,
    "wait_key" VARCHAR(200),
    "wait" TEXT,
    "wait_result" TEXT,
    "since_seq" BIGINT NOT NULL,
    "since_at" BIGINT NOT NULL,
    "since_event" BLOB,
    "sends" INT NOT NULL,
    "goal_at" BIGINT,
    "fence" INT NOT NULL,
    "lease_until" BIGINT,
    "error" TEXT,
    "end_reason" VARCHAR(200),
    "entered_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "ended_at" BIGINT,
    "summary" TEXT,
    "compacted_at" BIGINT
) /* One contact in one journey. */;
CREATE UNIQUE INDEX "one_live_enrollment" ON "enrollments" ("contact_id", "journey_id", "entry_key") WHERE state IN ('active', 'waiting', 'drifted', 'parked');
CREATE INDEX "idx_enrollments_contact_eabadd" ON "enrollments" ("contact_id", "journey_id");
CREATE INDEX "enrollment_wakes" ON "enrollments" ("wake_at") WHERE wake_at IS NOT NULL AND state IN ('active', 'waiting');
CREATE INDEX "enrollment_turns" ON "enrollments" ("journey_id", "wake_at") WHERE wake_at IS NOT NULL AND state IN ('active', 'waiting');
CREATE INDEX "enrollment_journals" ON "enrollments" ("ended_at") WHERE ended_at IS NOT NULL AND compacted_at IS NULL;
CREATE INDEX "idx_enrollments_journey_932b26" ON "enrollments" ("journey_id", "state", "id");
CREATE INDEX "enrollment_waits" ON "enrollments" ("journey_id", "wait_key", "id") WHERE wait_key IS NOT NULL;
CREATE INDEX "enrollment_retries" ON "enrollments" ("journey_id", "id") WHERE attempt > 0 AND state IN ('active', 'waiting');
CREATE TABLE "events" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "contact_id" BLOB,
    "seq" BIGINT NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "properties" JSON NOT NULL,
    "decisions" JSON NOT NULL,
    "occurred_at" BIGINT NOT NULL,
    "received_at" BIGINT NOT NULL,
    "source" VARCHAR(40) NOT NULL,
    "value" REAL,
    "currency" VARCHAR(3),
    "cause_id" BLOB,
    "depth" INT NOT NULL
) /* Something a contact did. `decisions` is what it started, ended and did not start. */;
CREATE INDEX "idx_events_contact_1810bf" ON "events" ("contact_id", "seq");
CREATE INDEX "idx_events_name_f1e7ee" ON "events" ("name", "id");
CREATE TABLE "hits" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "send_id" BLOB NOT NULL,
    "kind" VARCHAR(8) NOT NULL,
    "position" INT NOT NULL,
    "url" TEXT,
    "verdict" VARCHAR(8) NOT NULL,
    "agent" VARCHAR(40) NOT NULL,
    "network" VARCHAR(64) NOT NULL,
    "at" BIGINT NOT NULL,
    "held_until" BIGINT
) /* An open or a click; `verdict` is human, machine or unsure. */;
CREATE INDEX "idx_hits_send_id_41a27b" ON "hits" ("send_id");
CREATE INDEX "hits_held" ON "hits" ("held_until") WHERE held_until IS NOT NULL;
CREATE TABLE "idempotency_keys" (
    "key" VARCHAR(200) NOT NULL PRIMARY KEY,
    "event_id" BLOB NOT NULL,
    "digest" BLOB NOT NULL,
    "created_at" BIGINT NOT NULL
) /* A caller's key and the event it made. */;
CREATE INDEX "idx_idempotency_created_944834" ON "idempotency_keys" ("created_at");
CREATE TABLE "identities" (
    "identity" VARCHAR(330) NOT NULL PRIMARY KEY,
    "contact_id" BLOB NOT NULL
) /* What a contact is known by: `u:` user id, `e:` email, `a:` anonymous id. */;
CREATE INDEX "idx_identities_contact_ce14a7" ON "identities" ("contact_id");
CREATE TABLE "inbox" (
    "send_id" BLOB NOT NULL PRIMARY KEY,
    "to_email" VARCHAR(320) NOT NULL,
    "from_email" VARCHAR(320) NOT NULL,
    "subject" TEXT NOT NULL,
    "mail" BLOB NOT NULL,
    "captured_at" BIGINT NOT NULL,
    "read_at" BIGINT
) /* A mail captured while no provider is configured. */;
CREATE INDEX "idx_inbox_capture_754e9d" ON "inbox" ("captured_at");
CREATE TABLE "journeys" (
    "id" VARCHAR(100) NOT NULL PRIMARY KEY,
    "definition" JSON NOT NULL,
    "code_hash" VARCHAR(16) NOT NULL,
    "enabled" INT NOT NULL,
    "first_seen_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "gone_at" BIGINT
) /* A journey as last seen in the code, and the operator's switch. */;
CREATE TABLE "messages" (
    "send_id" BLOB NOT NULL PRIMARY KEY,
    "subject" TEXT NOT NULL,
    "from_email" VARCHAR(320) NOT NULL,
    "mail" BLOB NOT NULL,
    "links" JSON NOT NULL,
    "created_at" BIGINT NOT NULL
) /* The rendered mail of a send, compressed; stored before the first attempt. */;
CREATE INDEX "idx_messages_created_c3e88b" ON "messages" ("created_at");
CREATE TABLE "meta" (
    "key" VARCHAR(64) NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
) /* Facts about this installation: its id, the fence of a restored copy. */;
CREATE TABLE "refusals" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "journey_id" VARCHAR(100) NOT NULL,
    "reason" VARCHAR(40) NOT NULL,
    "contact_id" BLOB NOT NULL,
    "event_id" BLOB NOT NULL,
    "at" BIGINT NOT NULL
) /* Why an event did not enroll a contact in a journey that listens for it. */;
CREATE INDEX "idx_refusals_journey_711d85" ON "refusals" ("journey_id", "reason", "id");
CREATE INDEX "idx_refusals_contact_915d14" ON "refusals" ("contact_id");
CREATE TABLE "sends" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "contact_id" BLOB NOT NULL,
    "enrollment_id" BLOB,
    "journey_id" VARCHAR(100),
    "step_key" VARCHAR(200),
    "idempotency_key" VARCHAR(200) UNIQUE,
    "template" VARCHAR(100) NOT NULL,
    "list_id" VARCHAR(100) NOT NULL,
    "subject" TEXT,
    "props" JSON NOT NULL,
    "to_email" VARCHAR(320),
    "address" VARCHAR(320),
    "status" VARCHAR(12) NOT NULL,
    "reason" VARCHAR(200),
    "due_at" BIGINT,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "handed_at" BIGINT,
    "sent_at" BIGINT,
    "delivered_at" BIGINT,
    "opened_at" BIGINT,
    "clicked_at" BIGINT,
    "provider" VARCHAR(40),
    "provider_id" VARCHAR(200),
    "attempts" JSON NOT NULL,
    "lease_until" BIGINT,
    CONSTRAINT "uid_sends_enrollm_63784b" UNIQUE ("enrollment_id", "step_key")
) /* One email to one contact: the outbox and the record. */;
CREATE INDEX "idx_sends_contact_a8dcff" ON "sends" ("contact_id");
CREATE INDEX "sends_due" ON "sends" ("journey_id", "due_at") WHERE due_at IS NOT NULL;
CREATE INDEX "sends_handing" ON "sends" ("updated_at") WHERE status = 'sending';
CREATE INDEX "idx_sends_status_c37d2f" ON "sends" ("status", "id");
CREATE INDEX "idx_sends_journey_6530e3" ON "sends" ("journey_id", "id");
CREATE TABLE "steps" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "enrollment_id" BLOB NOT NULL,
    "key" VARCHAR(200) NOT NULL,
    "attempts" INT NOT NULL,
    "answer" TEXT,
    "error" TEXT,
    "is_over" INT NOT NULL,
    CONSTRAINT "uid_steps_enrollm_d59c08" UNIQUE ("enrollment_id", "key")
) /* An effect of `ctx.step` that was tried and is not in the journal yet. */;
CREATE TABLE "suppressions" (
    "address" VARCHAR(320) NOT NULL PRIMARY KEY,
    "reason" VARCHAR(40) NOT NULL,
    "at" BIGINT NOT NULL,
    "note" TEXT,
    "send_id" BLOB
) /* An address that must not be mailed, and why. */;
CREATE TABLE "turns" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "enrollment_id" BLOB NOT NULL,
    "number" INT NOT NULL,
    "played_at" BIGINT NOT NULL,
    "code_hash" VARCHAR(16) NOT NULL,
    "outcome" VARCHAR(12) NOT NULL,
    "steps" TEXT NOT NULL,
    "error" TEXT,
    CONSTRAINT "uid_turns_enrollm_fa875a" UNIQUE ("enrollment_id", "number")
) /* One turn of an enrollment: its part of the journal, or the error that ended it. */;
CREATE TABLE "audit" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "at" BIGINT NOT NULL,
    "who" VARCHAR(320) NOT NULL,
    "action" VARCHAR(60) NOT NULL,
    "subject" VARCHAR(400) NOT NULL,
    "before" JSON,
    "after" JSON
) /* What an operator changed. */;
CREATE TABLE "api_keys" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "prefix" VARCHAR(8) NOT NULL,
    "digest" BLOB NOT NULL UNIQUE,
    "scopes" JSON NOT NULL,
    "origins" JSON NOT NULL,
    "created_at" BIGINT NOT NULL,
    "expires_at" BIGINT,
    "last_used_at" BIGINT,
    "revoked_at" BIGINT
) /* An API key: only its digest is kept. */;
CREATE TABLE "operators" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "email" VARCHAR(320) NOT NULL UNIQUE,
    "password_hash" TEXT,
    "role" VARCHAR(10) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "disabled_at" BIGINT
) /* Someone who may sign in to the dashboard. */;
CREATE TABLE "sessions" (
    "digest" BLOB NOT NULL PRIMARY KEY,
    "operator_id" BLOB NOT NULL,
    "created_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "revoked_at" BIGINT
) /* A signed-in browser: only the digest of its cookie is kept. */;
CREATE INDEX "idx_sessions_operato_16e092" ON "sessions" ("operator_id");
CREATE TABLE "sign_in_links" (
    "digest" BLOB NOT NULL PRIMARY KEY,
    "email" VARCHAR(320),
    "role" VARCHAR(10) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "used_at" BIGINT
) /* A one-time link that makes or signs in an operator. */;
CREATE TABLE "aerich" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSON NOT NULL
);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        """


MODELS_STATE = (
    "eJztXW1z2za2/isYfUm7o2ZS2XW8yd2dsRN3q13X7nWSu9tJMzIkQhLWFKASpGXNbv/7xQ"
    "FfxHcRlERTDL4kMoFDUQ9AnAcH5+U/vQW3iC1eXjCxIs4dX/XeoP/0GF4Q+SHb2Ec9vFxu"
    "muCCi8e26o1VN3UNj4Xr4IkrL0+xLYi8ZBExcejSpZxB5wtkY2dGkC+E+BRh9G/uOQzbfT"
    "Thi6VDhCDWW+TOSdiA4LkEoi4ar+W/All0RoT7Er7R4hP5lZTNDnFzj9HfPTJy+YxICUd+"
    "xefPPcIcbtsLwtwRtdQjKIHely/yM2UWeSICesKfy4fRlBLbSqDrS6nrI3e9VNcu6WzI3B"
    "9VX7jleDThtrdgm/7LtTvnLBKgzIWrM8KIg10C3+A6HgDOPNsOhiYcA/93bLr4TxmTscgU"
    "ezYMG0j7D7C51huNbm4/jj5cfRyNepkhDSViAxFcmnAG00E+qlAAzOARvvvzYHBy8nrw6u"
    "Ts/IfT169/OH91Lvuq5802vf7Df5gNWv6tFGbDvw1vPsIDcTnn/LkIF/5QMtjFvpQajA36"
    "meFLDsTQyh+EjFhqPDyPWi8/fRq+T49KOAZlwxJe2IzL5u1pYGDKML6+vVS/lgt35qiGnv"
    "qVAPIG1OAVyKD5Xl3PR3Qjk4JyvHaJ6D6Ml79+vLpI4Tjm1jpvcWDYWeejGEp8PRguhPjd"
    "hgv/d3F3Oby5uPv1m58v/vWtaloHTde3N38rwxzW5ulDbH2AC2M8eVhhxxplWviAF/XNNi"
    "0Gi/QVzPBMYQk/Gn5ioGDfyR8vV5QC9RtrLdW/E79fRQX8zzl2pVqUQq7shwSmFsJj7sFF"
    "mwr3rfoX3f/pHlGByCNx5MySQ5bVtjvdKVe1BrcKVliQho9GsR6FYk0OXjWtmpQxKjU2mc"
    "PZn8Hy3Rw7+WjGRFJQykc7QhDlwvk0sgmbuXP55/evXpWgKpXBu58u7r6Rvb5NztyboGng"
    "tyVRFt4YHm1M8pYOzm2CWT7WScG09pWSR4h32aS9vb1OKN/LYWqBuPn08+WVxF+hLztRN7"
    "FuxNaJOWZSG45wDl8cyufBRct1UnD7sn0EiDe5cscmvdz5TojOyrKR6ODCclplXTktXlZO"
    "s6sKYZaWHowJ7KAEA87RFpTr6cD2UHNgJsXUPGzdRs2hX2Xb2JI4gjO0IuiB8dVLdC9ZM3"
    "NHgvx+Lx9wMZbNynbl93uhWLVEO88Stsutcsh5ioN/7tlYwN0Ig/X4C8z+DbK9BXFgpZYz"
    "gUNbjzwp05v8nRHyEaJ+1zhS4dzvKUkJGvyB/vnT1d0Vit0ZDT8gOU/Rzafr694fWruCov"
    "dw/zz0WTcGdVloifXsySVgNdVkpimxWkqkZatbUocMKpHTQQk5HWTJKVlgamvBHAp0D+CT"
    "QRWAZa9CgFVbEmDMOFsvuCc0p3NarntwH2Q+Lx0utY1LfctkEuy/f7i9yQc7KZWC2qITF/"
    "1XGZoOxUN7/zP12ATgRGOP2i5l4iV87V97za/agFJiGxbiHZlAY0PxLmeJhxtcppeZkBjo"
    "Wc8SYs3txl4dav4/y1ZsSp0YjcrylLL9cEbWbIlrj0OCzeoNQ1rUjELtUZg4BCCqYRpKCJ"
    "oRqD0C3tKqNwJJQTMCtUcgvnXODkHBvjUl9LXbkBLsxsGizoROyNWazy2Dsrnp3BoTnsfc"
    "Que2WGu/3ISn+lU24T2QpYuU0BuE0Qx7M4Lk1sHCa6CuGD68EMjlLrbhOmZrxMHIpnp8I/"
    "8RSFA2Iej7P79+9W2eZe8A35B7Gq8Ag6/Ha3MG3563q19inguHrKohI+zfwVOdg1gw4FXI"
    "USNFHm44zzXrePfGg+9PX5+en5ydRnM6ulI2lbMc5xHbXs48LVsnIpHOoPn1KOKryHe2QB"
    "cnO5Sq440fbkWNfMtI5KJGmVSIgec3WWd1a0nf39hv7H6Fqauc2eDgbOrInpQ4faSujyQF"
    "ldPkHq3ALY7IeWUh6r5F90rXqnO3fvgHlt0ws8I/lSVNXnGIFCbyX3n73xgjTy6COyOb8w"
    "eBYCykVpd3nBIpFdzBJpKmjiQXoLZ/B3g0ddF3f3fl4wML+CVgyS/RNWez3xieSlKj/N3l"
    "o8KDeYsFdtb3CCixJdCU+60gL96Ce/wcC4RtG24rv2OB5K+8B596CZbiyfcVjw4TB4VJB7"
    "AA7OAvCYqzHj2Q9bYjRDlOI5s+SiCjyRE/Rvx0M/zfT1d5h4nyt7oEDW/QNy/kQ8g7vOij"
    "FwC5nA/w0XKohMmCj0vsPMhPUiH0yx47fRC6wg8kOCAt+wUx73KQ2HoKGtw2fgKKLm7el/"
    "8g9eyJp0virf+sanI09KzqjdJ7vCDCY+sThrfOPGJ8eqtGddLczyCnfgp8yJkBaYzlSgFT"
    "OupceVrQ7Yfj4d2TJ+OlD6T1EA6RS+X22YldlyzkHuWv6FWlkTZH91mSsP+je+Ofu1e7Uv"
    "I1qrrhSkp1cNt1EC/dDRPQgDoh1BzSvUMdCzewvY30WGW/0FCgizN5UGUiD4rn8SANr/z2"
    "2Yw4Pt/XWofzJM1qHD85lDvFkdyhzHVmb0KoizP4rMoMPiuewWeZGSy1l4YBLOzeGZvN3i"
    "xgAUXWwDImYeBMwxluXXPgLDnii0mZA76659XxHW3VhTcuY3wnK1EzgCwL8Ue59S6GuCvw"
    "lqD58epfaoYWO0QmYsLD7mkvyZwp7ZtzdSGPiRnk9ZGPbOV6h0MJsc5ox6ajAoOjCU0lGh"
    "cz0O8CvdrcVd8TpoSMz1cy/jInxqB4/Qj7d2YC741Zzzi29ReFmJRh1rVjA+CYV2MWR/3N"
    "LM64929OyTVnckrSzOa6s5k4Dnd06HQkYIi0PpGGfAKOnLo8x1xXdmQSl+oC7k1E6YJ7cC"
    "0P84SgCZkwQStHOwKRc47uG2CZEIvdd4++656Obo2JdGGVb1q7xv3CNKd8WtRM+2N0aH4s"
    "8WV+rOTG/Fjdg/kDXxCVODOWbNOi1kt0b5EJVT57yilZOR5TF9ztHDl1+oETMrgJy+6I8a"
    "Ap6/d8kG+okkQo6V8GBtwv4F0ZhqWEyT+Nc2CnnQNbtpztw/6oe4DR9NFFJ7RBHHIT+WZy"
    "9+Q4Y3Y9d0+kn3VGJSFkBmXvg8InE8+pZRJKSRp9UFsfOGRC6GOdMUhJmjGob5gweYYPm2"
    "e4II76R5tjzTDqKYh0iqq/v/10eX2Ffrm7ejf8MAxW+dDU4zeqPWeUqfzu6uI6beeBxZhN"
    "tHwb4zJdsK2l0nBWmMInxSk40xN4gj1B9DadMQmz5YwTwaWbE/xQnJsi7G+cBVpkWPyJFp"
    "kVg5Z+mVFxTitnGmdIbszkPw5Y/Gw6eXiL7h+JAzRcWfrmnnzGPlrgyZwyAv08JjyH5OQj"
    "2ulWmukC5jB+vjPGlqhlwGI0D2Z+WbDy5pYmn3jzdsdnqpRQYf06Blw3OD7IB9dhKWH/Dt"
    "Ls8woU5byQopxnDF9cUPVA1XVrXMSo14y3hpPjg1d8VB107wKVbvqYOtDCOutCTMQsDduW"
    "Bsnh8hz2S+oGzPKd9buA7f6tG4y4K+48aJ3qbEQ6CPHZaQWIz04LIYamdBiypnHU2ER3tI"
    "nGdjB6yCcFjdvQEboNDS2yWHIXrIMFu/xUj37Zbp9u+kIsdeUExRNs28R5IRAkCgPXHcgY"
    "qPyRwLVnga28TX5Vqe37+cJ9tWYM+V4T+zxv6uBDnd6XlPHSzkBjMs/0CgyvURn7JJDv1f"
    "UC42sk8/WUbc8rw35EtT+6mUu8PYpREhu3RCtGzdtUInQM3I22K8NUBXsqVK1MhsbrN+je"
    "e3OPPAFJciE/LpF/qfJ68jN+A8l3gxJwsjmrL/d54x1UaoCHll6Ny3ROuZ6cVKoieFJSRf"
    "Bkq3Jte6LN9lu227IssTF/KlqTwrbyBQl6VSXmsAhInr10PYdYaDWnNkGMo6XDH+VL6cAq"
    "ItGd0hm053F0/RvssLa05eSmYwdiLh9pl32Ny3TQ7HWQ0q9Thy/0kU5KGayrYS288b9J3j"
    "lEWYBiJNIJlJs++smf2JeUYWedj3jBpO7wjjQCXOJ9Oby5uPs1H/HKO9hA89bYwiYlzR62"
    "vtc3ruXxjU04bh3oW8LT/+4n1S9g6rHWUq4epOavbEcP+iMsEJQARlACGKoGgWEcMkv3Iz"
    "M5xEBhl4P1XKyoO5nnkfddb7eTmUDPQNBJ08AeCxcUs3v5GygrcCcqi9eKSzUfsPU8avog"
    "oVkmT3ze1N97nnjC4IfnlQLl3CaYFZwxbaTSLFSKHQrmcMlpmITe3l4nZvflME3rP/18eS"
    "VxV7BvwlRy8gRSp3bx+oysce2oTT7rjYDBfh/Yz6AGYI00pcwUADhi4v8zEUK2FBD/WGsp"
    "8V/4/SoS/4+SgTuQ9wZs7MrirupsClVGE7I7QUQKsd4iISm67DImUx6U5VSLbVgdL7sH2O"
    "udjWW/bZZ9YwVt3ApqjPzNGfmNxXn7irFvi7NN2YNW5pdIoB1ZX+D7OpP1xTiwfc1E1MX5"
    "FFRe30I+gx5bieePslUgPOaeKzkfFYjCpJJTADq8UcXawaFM0UGoBOCzRzlhfbY44cuciv"
    "f7uqnx+25LcE8xAS3IFlNMP4uSxRwnB2qCfLZkObojU09gu2BfHGstXZocv19lX1qICwlC"
    "QsJssH7t+LgnLJN/hEddLnjJAgcgTCC5l5XLTZ4r7d7uWyUjbbJA96YYAqSihdS0MUdNk5"
    "q2kX2zKbTeXKF1/ZIhO5YLaTfG+49pbrtveFs0csXgKxPHtjcoTSj4V7Rf/UCYVcAOw6ZS"
    "ahgVTNzOC28Z8eObkMsRZySkbG98XybPHfOnyLXJIRPu5MQ21L1JDuP73PPJ42KzDkiiuF"
    "TlqL+k6GAi91iSUVieOjkEgZIsZAqnkeXvosJ3pNfPZiHzb5fMQAZvZ+z7Y8WKKn3rXOIB"
    "8G35ZvmGu55Af0EvQEwKvIBv/tzzr8epbxIAQ4CbIsBt5wzHgG7cNSn19lfkDWkxk3y0BV"
    "u0liHZwA4t0lUaQMdlugfzQcpdpJKr6KCdI7oX0Ftkqz4I5OC7Yks4dLCOy3TQ/nCQFQQM"
    "o5ordUzEoFxxnW7e26dlq3TTzj5Qa0i7OFGLnCE6VQLnWcLYW/YCNOB0hS0LjAA6KMdEDM"
    "jVwtcjS0h1wh1KdFFdDqpoy0Gxshw8+6lTq+fwQch1YK7MQFxq4d8ImeiIuoEpLfcK/ApG"
    "IGY31xuBpKAZgdojACcRdQYgIWeWoLrwCzBa14hLjKQM9HWht4hNH0mtnDBpUTMIdQcByl"
    "PVKsYalzPw12ZAUBOsFgNKCJoBqDsAYf5HnQ1WXKZ7W6z9+/WFeGka1lNi3UP6IJvZIM5Z"
    "y9gbl2mHvbdTwW82wYLUqmuSkjTL/DG6E7pkWeROGDT1S90JZafqlUvJdErkG8un6H7iPr"
    "0E4Xs/5mOFhZwLlFjKF5AKFSsS5FBT3ibYRmuSE2Syt7tWczjM8zXU8qW7pLPC6oO5qiTn"
    "PQpemtY60jVJlkoqpTy/u1jbjEi7+4s9Z8jnc+uG56RHhWtGCTs6akPn3oqWYiZWeTuoYm"
    "+OjUQXWH3TzhzEcbgW3JGAQVsfbSpG/DFvepema4xJNZiu8ZkU227pGtvC071lGDRSRNeT"
    "PcpZ+6ZvdfIeuJ/4zHrhCVex6TFRCc+I5Wc5Xs1zUlXoCu+QkuIZ3Gpaxr0P5VVTTLRN6P"
    "GBTZQmwLNpw7tcnLTyrYT9DYXRpzDPlLTyeFBvf7m1j55TREvCplI+4spOGkHJ0F2ls2Jo"
    "Y63xU14tsaMsgTELXx9xx695DBsNn4FArlYrN2nNAe5fzbLIvMVYNhrjYosUgjEuNmpcDF"
    "6BHK5TpHYjgS5xnb2ZvpY2Xtdx30jIdQnZpv1nTMmSXjYIYe8lS7jnTvhCK/o0JtJFiPce"
    "5xEd81bdEEUCnYDX2NC7hnZLNk4XnkXdgp1T1NYv2zph6FVt6+SXtmdRFTo0mWM2yytIXd"
    "pzz+XqTHKhmsmFjFWwaT63mnMdkhF074QGbCIiepJfXbHk5CaS6CDGZ1UgPitG+Kx6YouS"
    "cOiOlbFJn9RUO6opO6vJoOzXdsqCXOzgvJHYyb35eFjcQfyY8dTNsx2V+JWHAgZ1PdRbwp"
    "3/UVg3+h8VakbjJYUcX9XdHy5+GSIp8AZxZq/VWYBFZ0S44Fb8QPKqwlUVMoS6HYRa/a+h"
    "HMP+HdSMB0mstXTIlD7pILyR6CDG5xUQPi/E9zyTJ0QtLFl036vr+fhuZPZVye2YloS8um"
    "xiwpdEKzxtI2GC0/ZO6rhDZ5RpjUdMxAzI3gfEJMV5biMUeVpSOUD6I5AUNNGadQfAxsId"
    "eaLOS5AWNYNQdxAc8shrpaZICpoB0BmAlmz8b4NTqYLdf7y5X2YCCE+3KtoAPvAFgQImqz"
    "lHC7xGgs6YCibmyvvPwmI+5jivBoqWpLEGtMMaoJ0Ed891x7sZRRKzBmAhVlyuBfkOUsW+"
    "DhlB4/Og72HicFvL1hX276Ad5vtqpq4SS1emVKDZJD139j4qAI86yfuSkoYgHiFB/FAeKF"
    "s1SFYvQFaxOmJ9J3nd2OErQZzg1EdRPP/Uh0/VGdCE8wdKSg6OdrvXDgzSGJHrG5GLqWS4"
    "0dAKFUkJmUJwRr+2R78KQlidxMSRlMHemL6OaQDawmwkLxiya8oeishNokM5v5FdR5SNbN"
    "m5MsnhjHzn0gVBIBVk88APREAMLNxQgF0r5jmeR25q3cOQmpaRmobtY21beQ5vIDMmGmOi"
    "6ZgWbcs5thkBuFLvDNscXx83hbwgDp3M87hj0FJKGvGmzza2WDwE+z7i/EpSnuyYF6KYyj"
    "0SR2iGXsVEOsg3Bj/8UIFwyF7FyX2hLRWgIl8qDYSD7h1E9yDO5fIbXcJylFmxp2hMpHlP"
    "0efZ7HUjBuiP/wc8kR4/"
)
