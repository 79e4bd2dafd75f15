from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE "audit" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "at" BIGINT NOT NULL,
    "who" VARCHAR(320) NOT NULL,
    "action" VARCHAR(60) NOT NULL,
    "subject" VARCHAR(400) NOT NULL,
    "before" JSON,
    "after" JSON
) /* What an operator changed. */;
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
    "sends" INT NOT NULL,
    "fence" INT NOT NULL,
    "lease_until" BIGINT,
    "error" TEXT,
    "end_reason" VARCHAR(200),
    "entered_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "ended_at" BIGINT
) /* One contact in one journey. */;
CREATE UNIQUE INDEX "one_live_enrollment" ON "enrollments" ("contact_id", "journey_id", "entry_key") WHERE state IN ('active', 'waiting', 'drifted', 'parked');
CREATE INDEX "idx_enrollments_contact_eabadd" ON "enrollments" ("contact_id", "journey_id");
CREATE INDEX "enrollment_wakes" ON "enrollments" ("wake_at") WHERE wake_at IS NOT NULL AND state IN ('active', 'waiting');
CREATE INDEX "idx_enrollments_journey_932b26" ON "enrollments" ("journey_id", "state", "id");
CREATE INDEX "enrollment_waits" ON "enrollments" ("journey_id", "wait_key", "id") WHERE wait_key IS NOT NULL;
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
CREATE TABLE "operators" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "email" VARCHAR(320) NOT NULL UNIQUE,
    "password_hash" TEXT,
    "role" VARCHAR(10) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "disabled_at" BIGINT
) /* Someone who may sign in to the dashboard. */;
CREATE TABLE "refusals" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "journey_id" VARCHAR(100) NOT NULL,
    "reason" VARCHAR(40) NOT NULL,
    "contact_id" BLOB NOT NULL,
    "event_id" BLOB NOT NULL,
    "at" BIGINT NOT NULL
) /* Why an event did not enroll a contact in a journey that listens for it. */;
CREATE INDEX "idx_refusals_journey_e72af3" ON "refusals" ("journey_id", "id");
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
CREATE INDEX "sends_due" ON "sends" ("due_at") WHERE status = 'queued';
CREATE INDEX "sends_handing" ON "sends" ("updated_at") WHERE status = 'sending';
CREATE INDEX "idx_sends_status_c37d2f" ON "sends" ("status", "id");
CREATE INDEX "idx_sends_journey_6530e3" ON "sends" ("journey_id", "id");
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
    "IDz+jjzpoyeAi2wl+OkIOpVfOvxcYbGQv+Qw3S977Pzy5D1ekGjZsuwNNg8+Ao0H1yajat"
    "Prkuj8+uvyF4qePQuy0oAfBQ+flVRdD1ojEa78RvTh1da4drvU2vxSq42n3KsfIPvZVCXI"
    "Wa0O0uSDRFVu5ggDqDNKzSHdO9QyXgPmSDJNVI7jixW62JMHVTryQN+PB3l45d1nMyJG4U"
    "qnyThcpGlH4/RKj2T2ozn25ia9N6PUxR58VqUHn+l78NlWD5azl4HDIhbvjI29N48F9n2y"
    "XBWuIWi3qicaFs6tbeiRAVYAZ8mSTErLLsjUXV9MG4xVB960jo11q0TNALJtiN9LA1sPcV"
    "fgLUHz/eV/VQ/VB7At11HJ1c31t7F4PqqtoEuH7jdTyFNqFnlz5BPfppkzP6PWmdmx6V1c"
    "kR/ZcBJNq1noa0JPmFMQw6zv77F8ZwDfGxNUSxsGUCbyFsqtGNbNypDhmJDTtOS67sBAhO"
    "AFGVz0HCRRsOzDnH3Aplkhu65Zyq2sVhdwb2IrGsTA1QqjzCjauGAbmX20LaBiOup8AY6N"
    "Iz7q8KW7ksilu0pBS3fV45Xe8SVRabJSqbUc6jxFtw6ZUBXVoUKQVJgR9SG4RMiu049Cji"
    "BGSIojxqOi7Sing9yhSsqAbHQCmP+/QuhLHIQap/qyoSWdDi1p2XC2+1qmufuracdXJ2aD"
    "NOQ2zt3u1C8I5en6Tv1kfjZplYySbZS9NwqfTAJRyzbOadr5oPZ8IMiE0Ls6bZDTtG1Qf1"
    "HEZhU8bFZBza6pb1yODTdNTUGlU1T965sPF1eX6Ke3l2+G74bRKB97lMNCZXMmeUnfXp5f"
    "5WMSYTBmE6PImLRO91zJJxW68Ik+4Va+A09w4BEzozOlYU3ONBFc+QWhs/qdqLG8XTVtkW"
    "PxO+3BWd9VODZrTivnFVXHYMl/BHj8XDpZfIVu74gAGq48ffNAPmMfLfFkThkBuYB5gSAF"
    "2Qd2qspwG+Ic2i9clX5gXxtgMZpHPb9sQ9umSrulrXm/4yPlRa4wfh0DrhscF/LBTVhKLN"
    "9Bmv2qAkV5paUor7YcX9yjxWd4aefWtIqdXreWrUVBMJI+HiYS7wKVbjoaJpqFTcaFlIod"
    "Gh4aGiSHY0boJgodxHb/3g1G/HsuFkarOhuVDkJ8dloB4rNT/emJp1s92B632rBPNGXBmC"
    "GfVbRhQ0cYNjR0yHLFffAOaqz8nES/zNqnG1nYiVc5HeEEuy4RTzwEWVwgdAfSBal4JAjt"
    "WWKnyMivqrXDOdqGOxD3mhbicRMFHmr1vuTQDuP8BTZvQU/jeKUz4hVMo1+r6xrna6KTPy"
    "Zu7YehEt2G8eLn95fnx5Xpu5uZQ9szMUpi45fMiknxQ1MiCEbhRsYn31JPnYzF0Hj9Gt0G"
    "r29R4BGBqNNHt0T+pQ7Tkb/xa8i8Fx34IosfPAh3p4p3mFIjPIzm1bRO5ybXk5NKZwadlJ"
    "wZdPLg5Nr2NG3t92y3ZVhiY/5JNybFZeUDEkhVJeYwCEievfIDQRx0P6cuQYyjleB38qMU"
    "MIpIdKd0BuVFHN28gh3Glras3HRsQcznI+ND3tI6HXR7HeSgt6ngS3Oks1oW62pYe8H4N1"
    "K0DqFf9UmpdALlppd+ijv2BWVYrIsR13TqDlukCeAS74vh9fnbn4sRr2zBRjNvDRM2q2lt"
    "2PpR37hWxDe223HrQN8Snv59mJJZw9RTpaVcPUrsXNmPHskj7CE48A/BgX9wRgA4xiEvaT"
    "9xk8MeKOxz8J5799SfzIvI+67V7eQmMHMQdNI1sMe013p2L9+BMk04Udl+rbRW8xu2Hmea"
    "PsjWLJtluKjr7z3LMGHw4kUHf3HuEsw0a0wbrTwLlWqHgjkechomoTc3V5nefTHM0/oPP1"
    "5cStwV7JttKvbE4DYxoOyu/zotYLHfB/YzOFvIGPuUliX+R0j8f9CS/h8qEH68oiaBMwyd"
    "/zSE8JfXiDN3jajvoXAhX63vkVVBYp2qSnsm73Y7Sk3vu80icthjgFZCmjKfTBDeaHQQ4z"
    "3Ho7cjFOmYhoQiN6434SuzLDcbjXYkU4H7dSeZiqAzapbfJqViG2T/LpR2B+p1lHFnvCuf"
    "VlQ2UI3EoxlFa/LUbQBw0I8Cr85HkFe1jVB/re+OL+oleEor2gY4QsP/R+J5skRj/KdK+2"
    "UOgGUoV9EB8H5OkICEtxBcp0Lt1OnaENbWRxO+VKkoiPMV8nwOImMy5dFh3MrLiqLz37a9"
    "BHut2Yb0tc2pYMOfGg9/stF9zUX32VCzh0eMfYeauZQtjEziRMEaxJ+bQdzNqL/WEFEfF1"
    "NQef0B8hlJPEg8v5GlHsJjHviS81EPUehUsguAwGu1pAQ7yRQdhLPQQvYoO2zIFid8td7m"
    "nPuq1G74bktWDz0B1aSJ1dNPXZbY4+RATZDPlgxHN1FoqMYwTheXDk5xiKnBCTWcEXQ/59"
    "J+XSOPzsLYVa4GEAd78zGXL1d88kxlTbtK3g6D1tiw2rNN1aLB+yAW1Qp73j2XY0FxoKp+"
    "3N5StFnzzH0HgrtGMSCxfCfmynwMSKUQkJIIkK2E3+22lTrqtc8GiXgqytq8CXKaduHkCO"
    "3Vt2QaeNjV8MNUaSk9FKFc5SwrkDEsShYWnxNImBw33XSOFCb/iDdB+ZA/BZxEhHloyoW0"
    "R4uSrOyt3ipnFUZ1ROsdcDQhHFWYStxhjypshH1m26HqLJ3V6uRcfYB4TfOztHc8R7vdGO"
    "8/x23bcwW1helXTMZn8xruDUqbGvgzooXvCHM0nDAuKiWEEAhSkQ3eMBLmuwMfH7j+ouHs"
    "dbi3PfDH/FOy1V2QCS9yG9atpIDnfeyFlHG5GQckPVzBzqCQ0enOonECtXcMRErOoVHIjJ"
    "zQnR5/Fb3+9jk08svyAw/9Az2RTxgQ50lPfY6pGwYrJzaBK910LgEAvCrfGNSkgrrzx154"
    "Pc11txmwZbxNMN62k4RjQDe9Nz33uVckCnk1e/pcC2yyliHZgEmWTE4GQKd1ugfzQc47z2"
    "XXN0G7QHUvoLdo2esgkEMMsyvhMME6rdNBh8NBRhDwfxqO1CkVi3LFcbr5qO+WjdJNL9yu"
    "BF8ZBcUmCu0IioXbdiYo9lHyGLfsA2gitW5ipFfngrFGF0fyQZWBfKAfxwePvgLS6j58EN"
    "4XOdK2IC4PRghs5iZ9S1QLBbHBOI/dAimXrlkLZBVtC9RuAXCS12mAjJ4dgurC74E/tUbO"
    "xETLQl87EJC49I7UylefV7WNULcR+EqCVKMFMnoW/toMyKWTWjlEsoq2Aeo2QHw2lYmBld"
    "bpnom1/xizGC9Dn29OrXtIH8SYjVKxGPkh0zrtcEV2an++S7BHap25ntO0w/xRhrapGClt"
    "dFtS2i8PcIsirfrVDoeBfazE+ZLKb0rwe4+IKP+z2tQa5n/mU7XLfsL5gpKSFNK71bXDnl"
    "mbTrZ+Oll9MFe8tdoo+CinZMO5rBOzPRzennvxeNjbJJifMbORvGDIrihb6MhNRqCc30jR"
    "EWWjJE9YFZLDGfnSp0uCQCvcW7nEC+IhLhRp8dTmS5YcWFdEbmrVYUlNy0hNwxlB2jbyHD"
    "7OwyalsEkpOjaLtiWjvW0BuFIvm71NZH/kFDJYxZsIdRwyK1FOIjey1Q9Vw44DOhH1Czxf"
    "pfEYE5UInTjhscf384IUlqbKO7DG6D4mM3BKxWY901McPae0uScOvC5od/g3PcnKwckoD2"
    "ss3wUjqendII90mMXxoF7iX28JO3kfCB0tiYtK+YgvhQyyUoC4SnPN0Gazd5gKe4WFWmSD"
    "JTe1axlLrLlQfxMh1C8Myccc4hTmKjtA/dVyWbBgOZaF+UwWRokbLuhsqJsTCj+Ygjkh+i"
    "7aS3AanBBK/GiPn5ugbTP17iuE0SdQwHV0026i0CWuM3h++vL01cnZadKjkytlHbkgZs/F"
    "6zrOgoxel5BtOmhVznSa1NB62yij1EHz6PlZFa/wmd4rfJY3j3jgT7jZceAplS5CvPfNlZ"
    "CXpMCpUrJDPlboBLxNm0SKSZrAnShYA/SojgE5J4JO5r0Cuykq6ZeZTXgj85DdpAd/32d1"
    "fCb2x44kreQMICLAL28ym6VUOjHc5qL/X7yoEv3/4oU++h/Kci5V+VEZIByJdxDdg6TUgZ"
    "yGhBWYHfqtFSmV5ndWPM5ktrc9FI86mf35f/Rl+LQ="
)
