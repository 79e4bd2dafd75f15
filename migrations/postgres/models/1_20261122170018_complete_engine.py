from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "sends_due";
        DROP INDEX IF EXISTS "idx_refusals_journey_e72af3";
        CREATE TABLE IF NOT EXISTS "answers" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "enrollment_id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "body" BYTEA NOT NULL,
    CONSTRAINT "uid_answers_enrollm_34ee85" UNIQUE ("enrollment_id", "digest")
);
COMMENT ON TABLE "answers" IS 'A large answer of a journal, compressed; the journal names it by its digest.';
        CREATE TABLE IF NOT EXISTS "steps" (
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
        ALTER TABLE "enrollments" ADD "compacted_at" BIGINT;
        ALTER TABLE "enrollments" ADD "summary" TEXT;
        ALTER TABLE "enrollments" ADD "since_event" UUID;
        ALTER TABLE "enrollments" ADD "goal_at" BIGINT;
        ALTER TABLE "sends" ADD "address" VARCHAR(320);
        CREATE INDEX IF NOT EXISTS "enrollment_journals" ON "enrollments" ("ended_at") WHERE ended_at IS NOT NULL AND compacted_at IS NULL;
        CREATE INDEX IF NOT EXISTS "enrollment_turns" ON "enrollments" ("journey_id", "wake_at") WHERE wake_at IS NOT NULL AND state IN ('active', 'waiting');
        CREATE INDEX IF NOT EXISTS "enrollment_retries" ON "enrollments" ("journey_id", "id") WHERE attempt > 0 AND state IN ('active', 'waiting');
        CREATE INDEX IF NOT EXISTS "idx_refusals_journey_711d85" ON "refusals" ("journey_id", "reason", "id");
        CREATE INDEX IF NOT EXISTS "sends_due" ON "sends" ("journey_id", "due_at") WHERE due_at IS NOT NULL;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "enrollment_retries";
        DROP INDEX IF EXISTS "enrollment_turns";
        DROP INDEX IF EXISTS "enrollment_journals";
        DROP INDEX IF EXISTS "idx_refusals_journey_711d85";
        DROP INDEX IF EXISTS "sends_due";
        ALTER TABLE "sends" DROP COLUMN "address";
        ALTER TABLE "enrollments" DROP COLUMN "compacted_at";
        ALTER TABLE "enrollments" DROP COLUMN "summary";
        ALTER TABLE "enrollments" DROP COLUMN "since_event";
        ALTER TABLE "enrollments" DROP COLUMN "goal_at";
        DROP TABLE IF EXISTS "answers";
        DROP TABLE IF EXISTS "steps";
        CREATE INDEX IF NOT EXISTS "sends_due" ON "sends" ("due_at") WHERE status = 'queued';
        CREATE INDEX IF NOT EXISTS "idx_refusals_journey_e72af3" ON "refusals" ("journey_id", "id");"""


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
    "ldPkHq3ALY7IeWUh6r5F90rXqnO3fvgHlt0ws8I/lSXt/jeGHSKlifwX7s/Ik4vgzsjm/E"
    "EgGAup1eUdp0RKBXewiaSpI8kFqC2vBKLqou/+7srHlz/kN/ZLQJNfomvOZghPJalR/u7y"
    "UeHBvMUCO+t7BJTYEmjK/VaQF2/BPX6OBcK2DbeV37FA2JWIgFO9REsR5fuKZ4eJk8KkB1"
    "iAdvCXRMVZjx7IetsZohyokU0fJZLR7IifI366Gf7vp6u800T5Y12ChjfomxfyIeQdXvTR"
    "C8BcTgj4aDlU4mTBxyV2HuQnqRH6ZY+dPgld4QcSnJCW/YKYezlIbD0GDW4bPwJFFzfvy3"
    "+QevbE0yXx1n9WNTsaelb1Suk9XhDisfUJw1tnHjE+vVWjOmruZ5BTPwU+5MyANMZyqYAp"
    "HXWuPC3o9tPx8O7Jo/HSB9J6CIfItXL77MSuSxZyk/JX9KrSSJuz+yxL2P/ZvXHQ3athKf"
    "kaVd1xJaU6uO86iJvuhgloQJ0Qag7p3qHOhRvY30Z6rLJjaCjQxZk8qDKRB8XzeJCGV377"
    "bEYcn/BrrcN5kmY1jh8dyq3iSG5R5jqzNyHUxRl8VmUGnxXP4LPMDJbaS8MCFnbvjNFmby"
    "awgCJrYBmTMHCm4Qy3rjlwlpzxxaTMCV/dA+v4jrbqwhuXMc6TlagZQJaF+KPcehdD3BV4"
    "S9D8ePUvNUOLPSITQeFh97SbZM6U9u25upDHxAzy+shHxnK906GEWGe0Y9NhgcHZhKYSjY"
    "sZ6HeBXm3uqu8JU0LG6SsZgJkTZFC8foT9OzOB98asZxzb+otCTMow69rBAXDOqzGLo/5m"
    "Fmf8+zfH5JozOSVpZnPd2Uwchzs6dDoSMERan0hDQgFHTl2eY64rOzKJS3UB9ybCdME/uJ"
    "aLeULQxEyYqJWjHYHIOUf3DbBMjMXuu0ffd09Ht8ZEurDKN61d435hmlM+LWqm/TF6ND+W"
    "ODM/VvJjfqzuwvyBL4jKnBnLtmlR6yW6t8iEKp895ZWsPI+pC+52jpw6/cALGfyEZXfEeN"
    "CUdXw+yDdUySKU9C8DA+4X8K4M41LC7J/GObDTzoEtW872YX/UPcBo+uiiE9ogDrkJfTPJ"
    "e3KcMbuevCfSzzqjkhAyg7L3QeGTiefUMgmlJI0+qK0PHDIh9LHOGKQkzRjUN0yYRMOHTT"
    "RcEEj9o82xZhz1FEQ6RdXf3366vL5Cv9xdvRt+GAarfGjq8RvVnjNKVX53dXGdtvPAYswm"
    "Wr6NcZku2NZSeTgrTOGT4hyc6Qk8wZ4gepvOmITZcsaJ4NLNCX4oTk4R9jfOAi0yLP5Ei8"
    "yKQUu/zKg4p5VTjTMkN2byHwcsfjadPLxF94/EARquLH1zTz5jHy3wZE4ZgX4eE55DchIS"
    "7XQrzXQBcxg/3xljS9QyYDGaBzO/LFh5c0uTULx5u+MzlUqosH4dA64bHB/kg+uwlLB/B2"
    "n2eQWKcl5IUc4zhi8uqHqg6ro1LmLUa8Zbw8nxwSs+qg66d4FKN31MHWhhnXUhJmKWhm1L"
    "g+RweQ77JYUDZvnO+l3Adv/WDUbcFXcetE51NiIdhPjstALEZ6eFEENTOgxZ0zhqbKI72k"
    "RjOxg95JOCxm3oCN2GhhZZLLkL1sGCXX6qR79st083fSGWunKG4gm2beK8EAgShYHrDqQM"
    "VP5I4NqzwFbeJr+q1Pb9fOG+WjOGfK+JfZ43d/ChTu9L6nhpZ6AxmWd6BYbXqI59Esj36n"
    "qB8TWS+XrqtufVYT+i4h/dTCbeHsUoiY1bohWj5m0qEToG7kbblWGqhD0VqlgmQ+P1G3Tv"
    "vblHnoAsuZAgl8i/VH09+Rm/gey7QQ042ZzVl/u88Q4qNcBDS6/GZTqnXE9OKpURPCkpI3"
    "iyVbm2PdFm+y3bbVmW2Jg/Fa1JYVv5ggS9qhJzWAQkz166nkMstJpTmyDG0dLhj/KldGAV"
    "kehO6Qza8zi6/g12WFvacnLTsQMxl4+0677GZTpo9jpI7depwxf6SCelDNbVsBbe+N8k7x"
    "yiLEAxEukEyk0f/eRP7EvKsLPOR7xgUnd4RxoBLvG+HN5c3P2aj3jlHWygeWtsYZOSZg9b"
    "3+sb1/L4xiYctw70LeHpf/eT6hcw9VhrKVcPUvNXtqMH/REWCGoAI6gBDGWDwDAOmaX7kZ"
    "kcYqCwy8F6LlbUnczzyPuut9vJTKBnIOikaWCPhQuK2b38DZQVuBOVxWvFpZoP2HoeNX2Q"
    "0CyTJz5v6u89Tzxh8MPzaoFybhPMCs6YNlJpFirFDgVzuOQ0TEJvb68Ts/tymKb1n36+vJ"
    "K4K9g3YSo5eQKpU7t6fUbWuHbUJp/1RsBgvw/sZ1ADsEaaUmYKABwx8f+ZCCFbCoh/rLWU"
    "+C/8fhWJ/0fJwB3IewM2dmVxV4U2haqjCdmdICKFWG+RkBRddhmTKQ/qcqrFNqyOl90D7P"
    "XOxrLfNsu+sYI2bgU1Rv7mjPzG4rx9xdi3xdmm7EEr80sk0I6sL/B9ncn6YhzYvmYi6uJ8"
    "CiqvbyGfQY+txPNH2SoQHnPPlZyPCkRhUskpAB3eqGrt4FCm6CBUAvDZo5ywPluc8GVOyf"
    "t93dT4fbcluKeYgBZkiymmn0XJYo6TAzVBPluyHN2RqSewXbAvjrWWLk2O36+yLy3EhQQh"
    "IWE2WL92fNwTlsk/wqMuF7xkgQMQJpDcy8rlJs+Vdm/3rZKRNlmge1MMAVLRQmramKOmSU"
    "3byL7ZFFpvrtC6fsmQHcuFtBvj/cc0t903vC0auWLwlYlj2xuUJhT8K9qvfiDMKmCHYVMp"
    "NYwKJm7nhbeM+PFNyOWIMxJStje+L5PnjvlT5NrkkAl3cmIb6t4kh/F97vnkcbFZByRRXK"
    "py1F9SdDCReyzJKCxPnRyCQEkWMoXTyPJ3UeE70utns5D5t0tmIIO3M/b9sWJFlb51LvEA"
    "+LZ8s3zDXU+gv6AXICYFXsA3f+751+PUNwmAIcBNEeC2c4ZjQDfumpR6+yvyhrSYST7agi"
    "1ay5BsYIcW6SoNoOMy3YP5IOUuUslVdNDOEd0L6C2yVR8EcvBdsSUcOljHZTpofzjICgKG"
    "Uc2VOiZiUK64Tjfv7dOyVbppZx+oNaRdnKhFzhCdKoHzLGHsLXsBGnC6wpYFRgAdlGMiBu"
    "Rq4euRJaQ64Q4luqguB1W05aBYWQ6e/dSp1XP4IOQ6MFdmIC618G+ETHRE3cCUlnsFfgUj"
    "ELOb641AUtCMQO0RgJOIOgOQkDNLUF34BRita8QlRlIG+rrQW8Smj6RWTpi0qBmEuoMA5a"
    "lqFWONyxn4azMgqAlWiwElBM0A1B2AMP+jzgYrLtO9Ldb+/fpCvDQN6ymx7iF9kM1sEOes"
    "ZeyNy7TD3tup4DebYEFq1TVJSZpl/hjdCV2yLHInDJr6pe6EslP1yqVkOiXyjeVTdD9xn1"
    "6C8L0f87HCQs4FSizlC0iFihUJcqgpbxNsozXJCTLZ212rORzm+Rpq+dJd0llh9cFcVZLz"
    "HgUvTWsd6ZokSyWVUp7fXaxtRqTd/cWeM+TzuXXDc9KjwjWjhB0dtaFzb0VLMROrvB1UsT"
    "fHRqILrL5pZw7iOFwL7kjAoK2PNhUj/pg3vUvTNcakGkzX+EyKbbd0jW3h6d4yDBopouvJ"
    "HuWsfdO3OnkP3E98Zr3whKvY9JiohGfE8rMcr+Y5qSp0hXdISfEMbjUt496H8qopJtom9P"
    "jAJkoT4Nm04V0uTlr5VsL+hsLoU5hnSlp5PKi3v9zaR88poiVhUykfcWUnjaBk6K7SWTG0"
    "sdb4Ka+W2FGWwJiFr4+449c8ho2Gz0AgV6uVm7TmAPevZllk3mIsG41xsUUKwRgXGzUuBq"
    "9ADtcpUruRQJe4zt5MX0sbr+u4byTkuoRs0/4zpmRJLxuEsPeSJdxzJ3yhFX0aE+kixHuP"
    "84iOeatuiCKBTsBrbOhdQ7slG6cLz6Juwc4pauuXbZ0w9Kq2dfJL27OoCh2azDGb5RWkLu"
    "2553J1JrlQzeRCxirYNJ9bzbkOyQi6d0IDNhERPcmvrlhychNJdBDjsyoQnxUjfFY9sUVJ"
    "OHTHytikT2qqHdWUndVkUPZrO2VBLnZw3kjs5N58PCzuIH7MeOrm2Y5K/MpDAYO6Huot4c"
    "7/KKwb/Y8KNaPxkkKOr+ruDxe/DJEUeIM4s9fqLMCiMyJccCt+IHlV4aoKGULdDkKt/tdQ"
    "jmH/DmrGgyTWWjpkSp90EN5IdBDj8woInxfie57JE6IWliy679X1fHw3Mvuq5HZMS0JeXT"
    "Yx4UuiFZ62kTDBaXsnddyhM8q0xiMmYgZk7wNikuI8txGKPC2pHCD9EUgKmmjNugNgY+GO"
    "PFHnJUiLmkGoOwgOeeS1UlMkBc0A6AxASzb+t8GpVMHuP97cLzMBhKdbFW0AH/iCQAGT1Z"
    "yjBV4jQWdMBRNz5f1nYTEfc5xXA0VL0lgD2mEN0E6Cu+e6492MIolZA7AQKy7XgnwHqWJf"
    "h4yg8XnQ9zBxuK1l6wr7d9AO8301U1eJpStTKtBskp47ex8VgEed5H1JSUMQj5AgfigPlK"
    "0aJKsXIKtYHbG+k7xu7PCVIE5w6qMonn/qw6fqDGjC+QMlJQdHu91rBwZpjMj1jcjFVDLc"
    "aGiFiqSETCE4o1/bo18FIaxOYuJIymBvTF/HNABtYTaSFwzZNWUPReQm0aGc38iuI8pGtu"
    "xcmeRwRr5z6YIgkAqyeeAHIiAGFm4owK4V8xzPIze17mFITctITcP2sbatPIc3kBkTjTHR"
    "dEyLtuUc24wAXKl3hm2Or4+bQl4Qh07medwxaCkljXjTZxtbLB6CfR9xfiUpT3bMC1FM5R"
    "6JIzRDr2IiHeQbgx9+qEA4ZK/i5L7QlgpQkS+VBsJB9w6iexDncvmNLmE5yqzYUzQm0ryn"
    "6PNs9roRA/TH/wN2aR7p"
)
