from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE "answers" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "enrollment_id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "body" BYTEA NOT NULL,
    CONSTRAINT "uid_answers_enrollm_34ee85" UNIQUE ("enrollment_id", "digest")
);
COMMENT ON TABLE "answers" IS 'A large answer of a journal, compressed; the journal names it by its digest.';
CREATE TABLE "consents" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "contact_id" UUID NOT NULL,
    "list_id" VARCHAR(100) NOT NULL,
    "subscribed" BOOL NOT NULL,
    "changed_at" BIGINT NOT NULL,
    "source" VARCHAR(40) NOT NULL,
    "send_id" UUID,
    CONSTRAINT "uid_consents_contact_12ab82" UNIQUE ("contact_id", "list_id")
);
COMMENT ON TABLE "consents" IS 'What a contact said about a list; list `*` is everything.';
CREATE TABLE "contacts" (
    "id" UUID NOT NULL PRIMARY KEY,
    "external_id" VARCHAR(200),
    "email" VARCHAR(320),
    "anonymous_id" VARCHAR(200),
    "properties" JSONB NOT NULL,
    "event_seq" BIGINT NOT NULL,
    "first_seen_at" BIGINT NOT NULL,
    "last_seen_at" BIGINT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "merged_into" UUID,
    "erased_at" BIGINT
);
CREATE INDEX "idx_contacts_last_se_4cb38f" ON "contacts" ("last_seen_at");
CREATE INDEX "merged_contacts" ON "contacts" ("merged_into") WHERE merged_into IS NOT NULL;
COMMENT ON TABLE "contacts" IS 'A person we know. `event_seq` numbers the person''s events.';
CREATE TABLE "counters" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(200) NOT NULL,
    "day" INT NOT NULL,
    "value" BIGINT NOT NULL,
    CONSTRAINT "uid_counters_name_d4220d" UNIQUE ("name", "day")
);
COMMENT ON TABLE "counters" IS 'A kept count: a gauge on day 0, a day''s total on any other day (days since 1970).';
CREATE TABLE "enrollments" (
    "id" UUID NOT NULL PRIMARY KEY,
    "contact_id" UUID NOT NULL,
    "journey_id" VARCHAR(100) NOT NULL,
    "entry_key" VARCHAR(200) NOT NULL,
    "state" VARCHAR(12) NOT NULL,
    "trigger_event_id" UUID NOT NULL,
    "code_hash" VARCHAR(16) NOT NULL,
    "turn" INT NOT NULL,
    "attempt" INT NOT NULL,
    "wake_at" BIGINT,
    "wait_key" VARCHAR(200),
    "wait" TEXT,
    "wait_result" TEXT,
    "since_seq" BIGINT NOT NULL,
    "since_at" BIGINT NOT NULL,
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
);
CREATE UNIQUE INDEX "one_live_enrollment" ON "enrollments" ("contact_id", "journey_id", "entry_key") WHERE state IN ('active', 'waiting', 'drifted', 'parked');
CREATE INDEX "idx_enrollments_contact_eabadd" ON "enrollments" ("contact_id", "journey_id");
CREATE INDEX "enrollment_wakes" ON "enrollments" ("wake_at") WHERE wake_at IS NOT NULL AND state IN ('active', 'waiting');
CREATE INDEX "enrollment_turns" ON "enrollments" ("journey_id", "wake_at") WHERE wake_at IS NOT NULL AND state IN ('active', 'waiting');
CREATE INDEX "enrollment_journals" ON "enrollments" ("ended_at") WHERE ended_at IS NOT NULL AND compacted_at IS NULL;
CREATE INDEX "idx_enrollments_journey_932b26" ON "enrollments" ("journey_id", "state", "id");
CREATE INDEX "enrollment_waits" ON "enrollments" ("journey_id", "wait_key", "id") WHERE wait_key IS NOT NULL;
CREATE INDEX "enrollment_retries" ON "enrollments" ("journey_id", "id") WHERE attempt > 0 AND state IN ('active', 'waiting');
COMMENT ON TABLE "enrollments" IS 'One contact in one journey.';
CREATE TABLE "events" (
    "id" UUID NOT NULL PRIMARY KEY,
    "contact_id" UUID,
    "seq" BIGINT NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "properties" JSONB NOT NULL,
    "decisions" JSONB NOT NULL,
    "occurred_at" BIGINT NOT NULL,
    "received_at" BIGINT NOT NULL,
    "source" VARCHAR(40) NOT NULL,
    "value" DOUBLE PRECISION,
    "currency" VARCHAR(3),
    "cause_id" UUID,
    "depth" INT NOT NULL
);
CREATE INDEX "idx_events_contact_1810bf" ON "events" ("contact_id", "seq");
CREATE INDEX "idx_events_name_f1e7ee" ON "events" ("name", "id");
COMMENT ON TABLE "events" IS 'Something a contact did. `decisions` is what it started, ended and did not start.';
CREATE TABLE "hits" (
    "id" UUID NOT NULL PRIMARY KEY,
    "send_id" UUID NOT NULL,
    "kind" VARCHAR(8) NOT NULL,
    "position" INT NOT NULL,
    "url" TEXT,
    "verdict" VARCHAR(8) NOT NULL,
    "agent" VARCHAR(40) NOT NULL,
    "network" VARCHAR(64) NOT NULL,
    "at" BIGINT NOT NULL,
    "held_until" BIGINT
);
CREATE INDEX "idx_hits_send_id_41a27b" ON "hits" ("send_id");
CREATE INDEX "hits_held" ON "hits" ("held_until") WHERE held_until IS NOT NULL;
COMMENT ON TABLE "hits" IS 'An open or a click; `verdict` is human, machine or unsure.';
CREATE TABLE "idempotency_keys" (
    "key" VARCHAR(200) NOT NULL PRIMARY KEY,
    "event_id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE INDEX "idx_idempotency_created_944834" ON "idempotency_keys" ("created_at");
COMMENT ON TABLE "idempotency_keys" IS 'A caller''s key and the event it made.';
CREATE TABLE "identities" (
    "identity" VARCHAR(330) NOT NULL PRIMARY KEY,
    "contact_id" UUID NOT NULL
);
CREATE INDEX "idx_identities_contact_ce14a7" ON "identities" ("contact_id");
COMMENT ON TABLE "identities" IS 'What a contact is known by: `u:` user id, `e:` email, `a:` anonymous id.';
CREATE TABLE "inbox" (
    "send_id" UUID NOT NULL PRIMARY KEY,
    "to_email" VARCHAR(320) NOT NULL,
    "from_email" VARCHAR(320) NOT NULL,
    "subject" TEXT NOT NULL,
    "mail" BYTEA NOT NULL,
    "captured_at" BIGINT NOT NULL,
    "read_at" BIGINT
);
CREATE INDEX "idx_inbox_capture_754e9d" ON "inbox" ("captured_at");
COMMENT ON TABLE "inbox" IS 'A mail captured while no provider is configured.';
CREATE TABLE "journeys" (
    "id" VARCHAR(100) NOT NULL PRIMARY KEY,
    "definition" JSONB NOT NULL,
    "code_hash" VARCHAR(16) NOT NULL,
    "enabled" BOOL NOT NULL,
    "first_seen_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "gone_at" BIGINT
);
COMMENT ON TABLE "journeys" IS 'A journey as last seen in the code, and the operator''s switch.';
CREATE TABLE "messages" (
    "send_id" UUID NOT NULL PRIMARY KEY,
    "subject" TEXT NOT NULL,
    "from_email" VARCHAR(320) NOT NULL,
    "mail" BYTEA NOT NULL,
    "links" JSONB NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE INDEX "idx_messages_created_c3e88b" ON "messages" ("created_at");
COMMENT ON TABLE "messages" IS 'The rendered mail of a send, compressed; stored before the first attempt.';
CREATE TABLE "meta" (
    "key" VARCHAR(64) NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);
COMMENT ON TABLE "meta" IS 'Facts about this installation: its id, the fence of a restored copy.';
CREATE TABLE "refusals" (
    "id" UUID NOT NULL PRIMARY KEY,
    "journey_id" VARCHAR(100) NOT NULL,
    "reason" VARCHAR(40) NOT NULL,
    "contact_id" UUID NOT NULL,
    "event_id" UUID NOT NULL,
    "at" BIGINT NOT NULL
);
CREATE INDEX "idx_refusals_journey_711d85" ON "refusals" ("journey_id", "reason", "id");
CREATE INDEX "idx_refusals_contact_915d14" ON "refusals" ("contact_id");
COMMENT ON TABLE "refusals" IS 'Why an event did not enroll a contact in a journey that listens for it.';
CREATE TABLE "sends" (
    "id" UUID NOT NULL PRIMARY KEY,
    "contact_id" UUID NOT NULL,
    "enrollment_id" UUID,
    "journey_id" VARCHAR(100),
    "step_key" VARCHAR(200),
    "idempotency_key" VARCHAR(200) UNIQUE,
    "template" VARCHAR(100) NOT NULL,
    "list_id" VARCHAR(100) NOT NULL,
    "subject" TEXT,
    "props" JSONB NOT NULL,
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
    "attempts" JSONB NOT NULL,
    "lease_until" BIGINT,
    CONSTRAINT "uid_sends_enrollm_63784b" UNIQUE ("enrollment_id", "step_key")
);
CREATE INDEX "idx_sends_contact_a8dcff" ON "sends" ("contact_id");
CREATE INDEX "sends_due" ON "sends" ("journey_id", "due_at") WHERE due_at IS NOT NULL;
CREATE INDEX "sends_handing" ON "sends" ("updated_at") WHERE status = 'sending';
CREATE INDEX "idx_sends_status_c37d2f" ON "sends" ("status", "id");
CREATE INDEX "idx_sends_journey_6530e3" ON "sends" ("journey_id", "id");
COMMENT ON TABLE "sends" IS 'One email to one contact: the outbox and the record.';
CREATE TABLE "steps" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "enrollment_id" UUID NOT NULL,
    "key" VARCHAR(200) NOT NULL,
    "attempts" INT NOT NULL,
    "answer" TEXT,
    "error" TEXT,
    "is_over" BOOL NOT NULL,
    CONSTRAINT "uid_steps_enrollm_d59c08" UNIQUE ("enrollment_id", "key")
);
COMMENT ON TABLE "steps" IS 'An effect of `ctx.step` that was tried and is not in the journal yet.';
CREATE TABLE "suppressions" (
    "address" VARCHAR(320) NOT NULL PRIMARY KEY,
    "reason" VARCHAR(40) NOT NULL,
    "at" BIGINT NOT NULL,
    "note" TEXT,
    "send_id" UUID
);
COMMENT ON TABLE "suppressions" IS 'An address that must not be mailed, and why.';
CREATE TABLE "turns" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "enrollment_id" UUID NOT NULL,
    "number" INT NOT NULL,
    "played_at" BIGINT NOT NULL,
    "code_hash" VARCHAR(16) NOT NULL,
    "outcome" VARCHAR(12) NOT NULL,
    "steps" TEXT NOT NULL,
    "error" TEXT,
    CONSTRAINT "uid_turns_enrollm_fa875a" UNIQUE ("enrollment_id", "number")
);
COMMENT ON TABLE "turns" IS 'One turn of an enrollment: its part of the journal, or the error that ended it.';
CREATE TABLE "audit" (
    "id" UUID NOT NULL PRIMARY KEY,
    "at" BIGINT NOT NULL,
    "who" VARCHAR(320) NOT NULL,
    "action" VARCHAR(60) NOT NULL,
    "subject" VARCHAR(400) NOT NULL,
    "before" JSONB,
    "after" JSONB
);
COMMENT ON TABLE "audit" IS 'What an operator changed.';
CREATE TABLE "api_keys" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "prefix" VARCHAR(8) NOT NULL,
    "digest" BYTEA NOT NULL UNIQUE,
    "scopes" JSONB NOT NULL,
    "origins" JSONB NOT NULL,
    "created_at" BIGINT NOT NULL,
    "expires_at" BIGINT,
    "last_used_at" BIGINT,
    "revoked_at" BIGINT
);
COMMENT ON TABLE "api_keys" IS 'An API key: only its digest is kept.';
CREATE TABLE "operators" (
    "id" UUID NOT NULL PRIMARY KEY,
    "email" VARCHAR(320) NOT NULL UNIQUE,
    "password_hash" TEXT,
    "role" VARCHAR(10) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "disabled_at" BIGINT
);
COMMENT ON TABLE "operators" IS 'Someone who may sign in to the dashboard.';
CREATE TABLE "sessions" (
    "digest" BYTEA NOT NULL PRIMARY KEY,
    "operator_id" UUID NOT NULL,
    "created_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL,
    "revoked_at" BIGINT
);
CREATE INDEX "idx_sessions_operato_16e092" ON "sessions" ("operator_id");
COMMENT ON TABLE "sessions" IS 'A signed-in browser: only the digest of its cookie is kept.';
CREATE TABLE "sign_in_links" (
    "digest" BYTEA NOT NULL PRIMARY KEY,
    "email" VARCHAR(320),
    "role" VARCHAR(10) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL,
    "used_at" BIGINT
);
COMMENT ON TABLE "sign_in_links" IS 'A one-time link that makes or signs in an operator.';
CREATE TABLE "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
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
    "ldPkHq3ALY7IeWUh6r5F90rX+udumFnh31j2xA6RvYn8V97vN8bIk4vgVsjm/EEgAF+qcX"
    "mLKZEigbhNJC8dSeVPbf8O8Czqou/v7srnBbX/S0CLX6Jrzma/MTyVLEY5uMtnk88svMUC"
    "O+t7BBzYEmjK/VaQF2/BH36OBcK2DbeV37FA8mfdgxO9REcR4/uKZ4WJk8Gkx1eAbvCXHF"
    "RnPXog621nhnJgRjZ9JKPNbIifG366Gf7vp6u800P5W12ChjfomxfyIeQdXvTRC4BcTgD4"
    "aDlUwmTBxyV2HuQnqQH6ZY+dPvlc4QcSnIiW/YKYOzlIbD32DG4bP/JEFzfvy3+QevbE0y"
    "Xx1n9WNTkaelb1Cuk9XhDSsfUJw1tnHjE+vVWjOlruZ5BTPwU+5MyANMZyaYApHXWuPC3o"
    "9tPw8O7Jo/DSB9J6CIfItXH77MSuSxZyU/JX9KrSSJuz+iwr2P9ZvXHI3ashKfkaVd1hJa"
    "U6uM86iFvuhgloQJ0Qag7p3qHOgRvYz0Z6rLIjaCjQxZk8qDKRB8XzeJCGV377bEackX9U"
    "rrMO50ma1Th+VCi3hiO5Q5nrzN6EUBdn8FmVGXxWPIPPMjNYai8Ni1fYvTNGmr2ZvAKKrI"
    "FlTMLAmYYz3LrmwFlypheTMid6dQ+o4zvaqgtvXMY4S1aiZgBZFuKPcutdDHFX4C1B8+PV"
    "v9QMLfaATASBh93TbpE5U9q33+pCHhMzyOsjHxnH9U6DEmKd0Y5NhwEGBxGaSjQuZqCvCT"
    "1hVo4TfPF8D/t3BvC9McEZx7b+JI5JGSZY23kdjiU1ZnHU38zijP/55lRXcyanJM1srjub"
    "ieNwR4f+RQKG+OkTPwh4d+TU5TnmpTITf1yqC7g3EUYK/qu1XKATgsan30RVHO0IRM4kum"
    "+AZWIAdt/t+K5mOro1JtKFVb5p7Rr3Y9Kc8mlRM+2P0eP2scTZ9rGSn+1jdRfbD3xBVGbH"
    "WDZIi1ov0b1FJlT5mCmvWeUZS11wD3Pk1OkHXrLg1iq7I8aDpqxj7kG+oUqWm6Q/FBgcv4"
    "A3YBg3EWanNM5snXZma9lytrv3hL7BvWlTeye0QRxyE5plksvkOA92PblMpJ91RiUhZAZl"
    "74PCJxPPqWUSSkkafVBbHzhkQuhjnTFISZoxqG+YMIlwD5sItyDQ90ebY8043ymIdIqqv7"
    "/9dHl9hX65u3o3/DAMVvnQ1OM3qj1nlEr77uriOm3ngcWYTbR88eIyXbCtpfJEVpjCJ8U5"
    "ItMTeII9QfQ2nTEJs+WME8Glm+OsX5w8IexvnAVaZFj8iRaZFYOWfplRcU4rp8JmSG7M5D"
    "8OWPxsOnl4i+4fiQM0XFn65p58xj5a4MmcMgL9PCY8h+QkzNnpVprh7XMYP98ZY0uULWAx"
    "mgczvyy4dnNLk/C6ebvjM6Xyr7B+HQOuGxwf5IPrsJSwfwdp9nkFinJeSFHOM4YvLqh6oO"
    "q6NS5i1GvGW8PJ8cErPqoOuneBSjd9TB1oYZ11ISZiloZtS4PkcEwL3Uigg9ju37rBiLvi"
    "zoPWqc5GpIMQn51WgPjstBBiaEqHzWoaR41NdEebaGwHo4d8UtC4DR2h29DQIosld8E6WL"
    "DLT/Xol+326aYvxP5WzqA7wbZNnBcCQWIrcN2BDHfKHwlcexbYytvkV5Xavp8v3Fdrxjzv"
    "NRHN8+a2PdTpfUmdKe2MKSZTSq/A8Gpqs++lNnvLi1N0M9l1exSjJDZuiVaMmrepROgYuB"
    "tpF2unQhVzZGi8foPuvTf3yBOQ1BXyuRL5l6r/Jj/jN5AsNqhRJpu31m7f6cY7qNQADy29"
    "GpfpnHI9OalU5u6kpMzdyVbl2vbEkO23bLdlWWJj/lS0JoVt5QsS9KpKzGERkDx76XoOsd"
    "BqTm2CGEdLhz/Kl9KBVUSiO6UzaM/j6Po32GFtacvJTccOxFw+0q5LGpfpoNnrILVJpw5f"
    "6COdlDJYV8NaeON/k7xziLIAxUikEyg3ffSTP7EvKcPOOh/xgknd4R1pBLjE+3J4c3H3az"
    "7ilXewgeatsYVNSpo9bH2vb1zL4xubcNw60LeEp//dTwJfwNRjraVcPUglX9mOHvRHWCCo"
    "UYugRi2UtQHDOGRC7kdmcoiBwi4H67lYUXcyzyPvu95uJzOBnoGgk6aBPSbaL2b38jdQVu"
    "BOVBavFZdqPmDredT0QUKzTF7zvKm/97zmhMEPz6tVyblNMCs4Y9pIpVmoFDsUzOGS0zAJ"
    "vb29Tszuy2Ga1n/6+fJK4q5g34SpmCL3bWJAyaj/OiNgsN8H9jOoWVcjTSkzCeuPmPj/TI"
    "SQLQXEP9ZaSvwXfr+KxP+jZOAO5L0BG7uyuKu6kEKVfYTsThCRQqy3SEiKLruMyZQHZSTV"
    "YhtWc8vuAfZ6Z2PZb5tl31hBG7eCGiN/c0Z+Y3HevmLs2+JsU/aglfklEmhH1hf4vs5kfT"
    "EObF8zEXVxPgWV17eQz6DHVuL5o2wVCI+550rORwWiMKnkFIAOb1RxcXAoU3QQKgH47FFO"
    "WJ8tTvgypyT7vm5q/L7bEtxTTEALssUU08+iZDHHyYGaIJ8tWY7uyNQT2C7YF8daS5cmx+"
    "9X2ZcW4kKCkJAwG6xf6zzuCcvkH+FRlwtessABCBNI7mXlcpPnSru3+1bJSJssKL0phuDX"
    "dU9krDWpaRvZN5vC4M0VBtcvGbJjuZB2Y7z/mOa2+4a3RSNXDL4ycWx7g9KEgn9F+9UPhF"
    "kF7DBsKqWGUcHE7bzwlhE/vgm5HHFGQsr2xvdl8twxf4pcmxwy4U5ObEPdm+Qwvs89nzwu"
    "NuuAJIpLVT75S4oOJnKPJRmF5amTQxAoyUKmcBpZ/i4qfEd6/WwWMv92yQxk8HbGvj9WrK"
    "jSt84lHgDflm+Wb7jrCfQX9ALEpMAL+ObPPf96nPomATAEuCkC3HbOcAzoxl2TUm9/Rd6Q"
    "FjPJR1uwRWsZkg3s0CJdpQF0XKZ7MB+k3EUquYoO2jmiewG9Rbbqg0AOviu2hEMH67hMB+"
    "0PB1lBwDCquVLHRAzKFdfp5r19WrZKN+3sA7WGtIsTtcgZolMlcJ4ljL1lL0ADTlfYssAI"
    "oINyTMSAXC18PbKEVCfcoUQX1eWgirYcFCvLwbOfOrV6Dh+EXAfmygzEpRb+jZCJjqgbmN"
    "Jyr8CvYARidnO9EUgKmhGoPQJwElFnABJyZgmqC78Ao3WNuMRIykBfF3qL2PSR1MoJkxY1"
    "g1B3EKA8Va1irHE5A39tBgQ1wWoxoISgGYC6AxDmf9TZYMVlurfF2r9fX4iXpmE9JdY9pA"
    "+ymQ3inLWMvXGZdth7OxX8ZhMsSK26JilJs8wfozuhS5ZF7oRBU7/UnVB2ql65lEynRL6x"
    "fIruJ+7TSxC+92M+VljIuUCJpXwBqVCxIkEONeVtgm20JjlBJnu7azWHwzxfQy1fuks6K6"
    "w+mKtKct6j4KVprSNdk2SppFLK87uLtc2ItLu/2HOGfD63bnhOelS4ZpSwo6M2dO6taClm"
    "YpW3gyr25thIdIHVN+3MQRyHa8EdCRi09dGmYsQf86Z3abrGmFSD6RqfSbHtlq6xLTzdW4"
    "ZBI0V0PdmjnLVv+lYn74H7ic+sF55wFZseE5XwjFh+luPVPCdVha7wDikpnsGtpmXc+1Be"
    "NcVE24QeH9hEaQI8mza8y8VJK99K2N9QGH0K80xJK48H9faXW/voOUW0JGwq5SOu7KQRlA"
    "zdVTorhjbWGj/l1RI7yhIYs/D1EXf8msew0fAZCORqtXKT1hzg/tUsi8xbjGWjMS62SCEY"
    "42KjxsXgFcjhOkVqNxLoEtfZm+lraeN1HfeNhFyXkG3af8aULOllgxD2XrKEe+6EL7SiT2"
    "MiXYR473Ee0TFv1Q1RJNAJeI0NvWtot2TjdOFZ1C3YOUVt/bKtE4Ze1bZOfml7FlWhQ5M5"
    "ZrO8gtSlPfdcrs4kF6qZXMhYBZvmc6s51yEZQfdOaMAmIqIn+dUVS05uIokOYnxWBeKzYo"
    "TPqie2KAmH7lgZm/RJTbWjmrKzmgzKfm2nLMjFDs4biZ3cm4+HxR3EjxlP3TzbUYlfeShg"
    "UNdDvSXc+R+FdaP/UaFmNF5SyPFV3f3h4pchkgJvEGf2Wp0FWHRGhAtuxQ8krypcVSFDqN"
    "tBqNX/Gsox7N9BzXiQxFpLh0zpkw7CG4kOYnxeAeHzQnzPM3lC1MKSRfe9up6P70ZmX5Xc"
    "jmlJyKvLJiZ8SbTC0zYSJjht76SOO3RGmdZ4xETMgOx9QExSnOc2QpGnJZUDpD8CSUETrV"
    "l3AGws3JEn6rwEaVEzCHUHwSGPvFZqiqSgGQCdAWjJxv82OJUq2P3Hm/tlJoDwdKuiDeAD"
    "XxAoYLKac7TAayTojKlgYq68/yws5mOO82qgaEkaa0A7rAHaSXD3XHe8m1EkMWsAFmLF5V"
    "qQ7yBV7OuQETQ+D/oeJg63tWxdYf8O2mG+r2bqKrF0ZUoFmk3Sc2fvowLwqJO8LylpCOIR"
    "EsQP5YGyVYNk9QJkFasj1neS140dvhLECU59FMXzT334VJ0BTTh/oKTk4Gi3e+3AII0Rub"
    "4RuZhKhhsNrVCRlJApBGf0a3v0qyCE1UlMHEkZ7I3p65gGoC3MRvKCIbum7KGI3CQ6lPMb"
    "2XVE2ciWnSuTHM7Idy5dEARSQTYP/EAExMDCDQXYtWKe43nkptY9DKlpGalp2D7WtpXn8A"
    "YyY6IxJpqOadG2nGObEYAr9c6wzfH1cVPIC+LQyTyPOwYtpaQRb/psY4vFQ7DvI86vJOXJ"
    "jnkhiqncI3GEZuhVTKSDfGPwww8VCIfsVZzcF9pSASrypdJAOOjeQXQP4lwuv9ElLEeZFX"
    "uKxkSa9xR9ns1eN2KA/vh/5wGriA=="
)
