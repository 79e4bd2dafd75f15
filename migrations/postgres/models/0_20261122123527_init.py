from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
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
    "fence" INT NOT NULL,
    "lease_until" BIGINT,
    "error" TEXT,
    "end_reason" VARCHAR(200),
    "entered_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "ended_at" BIGINT
);
CREATE UNIQUE INDEX "one_live_enrollment" ON "enrollments" ("contact_id", "journey_id", "entry_key") WHERE state IN ('active', 'waiting', 'drifted', 'parked');
CREATE INDEX "idx_enrollments_contact_eabadd" ON "enrollments" ("contact_id", "journey_id");
CREATE INDEX "enrollment_wakes" ON "enrollments" ("wake_at") WHERE wake_at IS NOT NULL;
CREATE INDEX "idx_enrollments_journey_932b26" ON "enrollments" ("journey_id", "state", "id");
CREATE INDEX "enrollment_waits" ON "enrollments" ("journey_id", "wait_key", "id") WHERE wait_key IS NOT NULL;
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
CREATE TABLE "operators" (
    "id" UUID NOT NULL PRIMARY KEY,
    "email" VARCHAR(320) NOT NULL UNIQUE,
    "password_hash" TEXT,
    "role" VARCHAR(10) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "disabled_at" BIGINT
);
COMMENT ON TABLE "operators" IS 'Someone who may sign in to the dashboard.';
CREATE TABLE "refusals" (
    "id" UUID NOT NULL PRIMARY KEY,
    "journey_id" VARCHAR(100) NOT NULL,
    "reason" VARCHAR(40) NOT NULL,
    "contact_id" UUID NOT NULL,
    "event_id" UUID NOT NULL,
    "at" BIGINT NOT NULL
);
CREATE INDEX "idx_refusals_journey_e72af3" ON "refusals" ("journey_id", "id");
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
CREATE INDEX "sends_due" ON "sends" ("due_at") WHERE status = 'queued';
CREATE INDEX "sends_handing" ON "sends" ("updated_at") WHERE status = 'sending';
CREATE INDEX "idx_sends_status_c37d2f" ON "sends" ("status", "id");
CREATE INDEX "idx_sends_journey_6530e3" ON "sends" ("journey_id", "id");
COMMENT ON TABLE "sends" IS 'One email to one contact: the outbox and the record.';
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
    "eJztXW1z2zYS/isYfUnvRs0ksuPk0rubsVO3VevavbzcXSftyJAISagoQAVJO5pe//thwR"
    "eRFEETlERTDL4kMrELkg9A4NnFYvFHb8kd4npPzwOH+m/5fe81+qPH8JLIH1tlfdTDq9Wm"
    "BC74eOwqYQxSSmTs+QJPfHlxil2PyEsO8SaCrnzKGYj+Z459hBniKyKwzwWazDGbEecpqD"
    "t8IvUpmz0oGTD6e0BGPp8Rf06ElP/4q7xMmUM+ES/+c7UYTSlxncybUQcqUNdH/nqlrg2d"
    "b5QcPMN4NOFusGQb2dXan3OWCAcBdZ5++DD8GspmhMHjESf1yixw3Qia+FL4vPKCLwKSPK"
    "izueCQKQ5cAA60w+fYXOuNRtc370fvLt+PRr0tUGONFHrRpQln0CCU+YDJH3+G9W7eXV3t"
    "wQ0urm4u1Ltyz58JVdBT7/inUsI+DtUUthswsV8AprwnZn4xoqFCDlH5fHWwjC9swNx0ug"
    "bQlM8r//vyb4PBycnLwbOTs1cvTl++fPHq2Sspq554u+hlWRMMvx1ev4cH4vIbCr8suAAt"
    "sEH8fs63IX8zx6IY70g8B7h8jWMEfIk/jVzCZv5c/nkyeFYC5r/P37757vztF1LqL1lIr6"
    "OiQViWRVeOXfBQBgBvNDqI8VkViM/0CJ9tAewF49/IpGDU0COcUukgxKfPqmAspbQgq7Is"
    "ymMy5YJsg/z9u5vrYpA3GjmMHTrx0f+QS70qY3Q0m7UF6hJkAQqoeel5v7tpQL/48fy/ea"
    "zfFMyOUMFFfviY+kSYwJ4oWNTNUAd6N12kOAlcGOPJ4h4LZ7RVwgdcJ7tdtBws81cwwzMF"
    "JLwxvF/Ej9/INydMx55TpaX8eRLKeSYUGkklX8ohD1MH4TEP4CJ0mK/Uv+j2r7eIeojcES"
    "H7lmwvHcWuWVMBBf/Yi6oahcQZtOHnr7tw8ws6G+rYZCE/L2CT0QfSWmLeJJXUk/ls41Wz"
    "kLI6+7SU2juIldpKGzjj3m9AdVIqHaQ6zytRneclVOf5NtWR7BAebUyKhg7OXYKZllamFH"
    "Nwj6XmEeJd1mlvbq4yM+/FMDdAXH/48eJS4q/Ql0LU15igkSNmZGz8ZxWtE6C2E8DjgZgU"
    "8PsSIyrR6ODAclrNhCqxoLZGFcIco3kwpbDDJHg8RL5kDmwPNQdmoqfmcelD1BzkKlLzc7"
    "QiwuMM3RO0YPz+KbqVrJn5I4/8fisfcDmWxUjS5UjuiWLVEu1tbr5bVQ/7xz/2XOxBbYTB"
    "ePwr9P4Nsr0lETBSy57AoaxHPq1kK3vyPRPkE0RD0TRScd/vKU0JGvyB/vPd5dtLlKoZDd"
    "8h2U/R9Yerq96f1mO/PxaqJ/myOYhg2DVkpjm1WpNIy0a37BwyqEROByXkdLBNTskSU9cI"
    "5lihewAfxl/POFsveeAZdue8XvfgPkh/XglYjfUp8UycnFmtnTydtXho7+/TgKllGjQOqO"
    "tT5j2F2/6z1/yofRC3c0IMzLxnGbXmrLFnh+r/j2KKTalI0ahtnlJmD2/pWpO4djtk2KxZ"
    "M+RVbSvUboWJIABRDddQRtG2QO0WCFZOvRbIKtoWqN0CadN5uwk0dmtO6XP3IWXYjcBenQ"
    "6d0avVn1sGZXPduTUuvID5RGhdeElpv9yFp+Qqu/AWZOUjpfQaYTTDwYwgaTo4eA3UFcOP"
    "Jx7yuY9duI7ZGnFwsimJL+Q/HvIomxD0/G8vn/2lyLN3gDsUrsYrwOD2eG3X4NvzdfVL3H"
    "Nxk1V1ZMTyHVzVOYgHAz6FgmlE07cj6c7YxoPnpy9PX52cnSZ9OrlS1pW3Oc4ddoOCflo2"
    "TiQqnUHz85mIL5ngrrvUR7plBUqnY5KIVpyRbxhJQtQokxMiQb/xQDCy3p5bS2R/Yb+w23"
    "tMfRXMBgtnUyElKRF9pK6PJAWV3eQW3UNYHJH9ykHU/wrdqrk2XHfDzIn/xlISCyKlifxX"
    "1vcLY+STj6Aq5HK+8BCAL6dxWcWUSJVI3SWSl47k5E/dsAZ4FnUR8amc/X35vDDt/xTR4o"
    "oLepnlu2xYVgRB9JdEXqxHC7J+aGFPojdy6R0ZbZosvbj34Xr4rw+XRUt8kpT7BA2v0RdP"
    "IDz+jjzpoyeAi2wl+OkIOpVfOvxcYbGQv+Qw3S977Pzy5D1ekGjZsuwNNg8+Ao0H1yajar"
    "PrkvBgWQTV+8GPgifLSqp+BVAnwpUflz68lBrXbtdRm19HtcGSezXys59NVfab1eogBz5I"
    "yORmAjCAOqPUHNK9Q63RNWBrJNNE5SC9WKGLPXlQpSMP9P14kIdX3n02I2IULmOajMNFmn"
    "Y0Ti/jSNo+mmNvbtJ7M0pd7MFnVXrwmb4Hn231YDl7GXgjYvHOGNB7c0dg3yfLVeECgXYf"
    "eqJh4dzaYx5ZVwVwlqy3pLTsakvdxcO0wVh14E3r2EC2StQMINuG+L00sPUQdwXeEjTfX/"
    "5X9VB9dNpyHZVc3Vx/G4vnQ9YKunToWzOFPKVmkTdHPnFcmnnqM2qdmR2b3qIVOYkNJ9G0"
    "moW+JvSEOQUByvr+Hst3BvC9MUG1bmEAZSJvodwKUN0s+xiOCTlNS67rDgxECF6QnkXPQR"
    "IFyz7M2QfsiBWy65rl08pqdQH3JvaZQYBbrRjJjKIN+rVh10fbAipgo84X4Ngg4aOOTbor"
    "CUu6qxSRdFc9GOkdXxKVAyuVN8uhzlN065AJVVEdKr5IxRBRH0JhhOw6/SieCAKApDhiPC"
    "raDmE6yB2q5APIRieA+f8rhL7EEaZxHi8bWtLp0JKWDWe7r2Wau7+adnx1YjZIQ26D2O02"
    "/IJQnq5vw0/mZ5NWySjZRtl7o/DJJBC1bOOcpp0Pas8HgkwIvavTBjlN2wb1F0VsysDDpg"
    "zUbIn6xuXYcEfUFFQ6RdW/vvlwcXWJfnp7+Wb4bhiN8rFHOSxUNmeSdPTt5flVPiYRBmM2"
    "MYqMSet0z5V8UqELn+izaeU78AQHHjEzOlMa1uRME8GVXxA6q99mGsvbVdMWORa/056K9V"
    "2FM7HmtHLSUHXGlfxHgMfPpZPFV+j2jgig4crTNw/kM/bREk/mlBGQC5gXCFKQWmCnqgz3"
    "GM6h/cJV6Qf2tQEWo3nU88s2tG2qtFvamvc7PlLS4wrj1zHgusFxIR/chKXE8h2k2a8qUJ"
    "RXWoryasvxxT1afECXdm5Nq9jpdWvZWhQEI+njYSLxLlDppqNholnYZFxIqdih4aGhQXI4"
    "ZoRuotBBbPfv3WDEv+diYbSqs1HpIMRnpxUgPjvVH414utWD7VmqDftEUxaMGfJZRRs2dI"
    "RhQ0OHLFfcB++gxsrPSfTLrH26kYWdeJVzDU6w6xLxxEOQxQVCdyAXkIpHgtCeJXaKjPyq"
    "Wjsckm24A3GvaSEeNwvgoVbvS07kMM5fYPMW9DSOVzojXsE0+rW6rnG+Jjr5M+DWfhgq0W"
    "0YL35+f3l+XGm8u5kWtD0ToyQ2fsmsmBQ/NCWCYBRuZHysLfXUsVcMjdev0W3w+hYFHhGI"
    "On10S+Rf6qQc+Ru/hrR60WkusvjBU253qniHKTXCw2heTet0bnI9Oal0INBJyYFAJw9Orm"
    "1P09Z+z3ZbhiU25p90Y1JcVj4ggVRVYg6DgOTZKz8QxEH3c+oSxDhaCX4nP0oBo4hEd0pn"
    "UF7E0c0r2GFsacvKTccWxHw+Mj7BLa3TQbfXQU5xmwq+NEc6q2Wxroa1F4x/I0XrEPpVn5"
    "RKJ1BueumnuGNfUIbFuhhxTafusEWaAC7xvhhen7/9uRjxyhZsNPPWMGGzmtaGrR/1jWtF"
    "fGO7HbcO9C3h6d+HKZk1TD1VWsrVo8TOlf3okTzCHoLT/BCc5gcHAIBjHPKS9hM3OeyBwj"
    "4H77l3T/3JvIi871rdTm4CMwdBJ10De0x7rWf38h0o04QTle3XSms1v2Hrcabpg2zNslmG"
    "i7r+3rMMEwYvXnSqF+cuwUyzxrTRyrNQqXYomOMhp2ESenNzlendF8M8rf/w48WlxF3Bvt"
    "mmYo8DbhMDyu76r9MCFvt9YD+Dg4OMsU9pWeJ/hMT/By3p/6EC4ccrahI4w9D5T0MIf3mN"
    "OHPXiPoeChfy1foeWRUk1qmqtGfybrej1PS+2ywihz0GaCWkKfPJBOGNRgcx3nM8ejtCkY"
    "5pSChy43oTvjLLcrPRaEcyFbhfd5KpCDqjZvltUiq2QfbvQml3oF5HGXfGu/JpRWUD1Ug8"
    "mlG0Jk/dBgAH/Sjw6nwEeVXbCPXX+u74ol6Cp7SibYAjNPx/JJ4nSzTGf6q0X+YAWIZyFR"
    "0A7+cECUh4C8F1KtROHZ0NYW19NOFLlYqCOF8hz+cgMiZTHp20rbysKDr/bdtLsNeabUhf"
    "25wKNvyp8fAnG93XXHSfDTV7eMTYd6iZS9nCyCROFKxB/LkZxN2M+msNEfVxMQWV1x8gn5"
    "HEg8TzG1nqITzmgS85H/UQhU4luwAIvFZLSrCTTNFBOAstZI+yw4ZsccJX623Oua9K7Ybv"
    "tmT10BNQTZpYPf3UZYk9Tg7UBPlsyXB0E4WGagzjdHHp4BSHmBqcUMMZQfdzLu3XNfLoLI"
    "xd5WoAcbA3H3P5csUnz1TWtKvk7TBojQ2rPdtULRq8D2JRrbDn3XM5FhQHqurH7S1FmzXP"
    "3HcguGsUAxLLd2KuzMeAVAoBKYkA2Ur43W5bqaNe+2yQiKeirM2bIKdpF06O0F59S6aBh1"
    "0NP0yVltJDEcpVzrICGcOiZGHxOYGEyXHTTedIYfKPeBOUD/lTwElEmIemXEh7tCjJyt7q"
    "rXJWYVRHtN4BRxPCUYWpxB32qMJG2Ge2HarO0lmtTs7VB4jXND9Le8dztNuN8f5z3LY9V1"
    "BbmH7FZHw2r+HeoLSpgT8jWviOMEfDCeOiUkIIgSAV2eANI2G+O/DxgesvGs5eh3vbA3/M"
    "PyVb3QWZ8CK3Yd1KCnjex15IGZebcUDSwxXsDAoZne4sGidQe8dApOQcGoXMyAnd6fFX0e"
    "tvn0Mjvyw/8NA/0BP5hAFxnvTU55i6YbByYhO40k3nEgDAq/KNQU0qqDt/7IXX01x3mwFb"
    "xtsE4207STgGdNN703Ofe0WikFezp8+1wCZrGZINmGTJ5GQAdFqnezAf5LzzXHZ9E7QLVP"
    "cCeouWvQ4COcQwuxIOE6zTOh10OBxkBAH/p+FInVKxKFccp5uP+m7ZKN30wu1K8JVRUGyi"
    "0I6gWLhtZ4JiHyWPccs+gCZS6yZGenUuGGt0cSQfVBnIB/pxfPDoKyCt7sMH4X2RI20L4v"
    "JghMBmbtK3RLVQEBuM89gtkHLpmrVAVtG2QO0WACd5nQbI6NkhqC78HvhTa+RMTLQs9LUD"
    "AYlL70itfPV5VdsIdRuBryRINVogo2fhr82AXDqplUMkq2gboG4DxGdTmRhYaZ3umVj7jz"
    "GL8TL0+ebUuof0QYzZKBWLkR8yrdMOV2Sn9ue7BHuk1pnrOU07zB9laJuKkdJGtyWl/fIA"
    "tyjSql/tcBjYx0qcL6n8pgS/94iI8j+rTa1h/mc+VbvsJ5wvKClJIb1bXTvsmbXpZOunk9"
    "UHc8Vbq42Cj3JKNpzLOjHbw+HtuRePh71NgvkZMxvJC4bsirKFjtxkBMr5jRQdUTZK8oRV"
    "ITmckS99uiQItMK9lUu8IB7iQpEWT22+ZMmBdUXkplYdltS0jNQ0nBGkbSPP4eM8bFIKm5"
    "SiY7NoWzLa2xaAK/Wy2dtE9kdOIYNVvIlQxyGzEuUkciNb/VA17DigE1G/wPNVGo8xUYnQ"
    "iRMee3w/L0hhaaq8A2uM7mMyA6dUbNYzPcXRc0qbe+LA64J2h3/Tk6wcnIzysMbyXTCSmt"
    "4N8kiHWRwP6iX+9Zawk/eB0NGSuKiUj/hSyCArBYirNNcMbTZ7h6mwV1ioRTZYclO7lrHE"
    "mgv1NxFC/cKQfMwhTmGusgPUXy2XBQuWY1mYz2RhlLjhgs6Gujmh8IMpmBOi76K9BKfBCa"
    "HEj/b4uQnaNlPvvkIYfQIFXEc37SYKXeI6g+enL09fnZydJj06uVLWkQti9ly8ruMsyOh1"
    "Cdmmg1blTKdJDa23jTJKHTSPnp9V8Qqf6b3CZ3nziAf+hJsdB55S6SLEe99cCXlJCpwqJT"
    "vkY4VOwNu0SaSYpAnciYI1QI/qGJBzIuhk3iuwm6KSfpnZhDcyD9lNevD3fVbHZ2J/7EjS"
    "Ss4AIgL88iazWUqlE8NtLvr/xYsq0f8vXuij/6Es51KVH5UBwpF4B9E9SEodyGlIWIHZod"
    "9akVJpfmfF40xme9tD8aiT2Z//B1ds7gE="
)
