from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "hatchet_runs" (
    "enrollment_id" BLOB NOT NULL PRIMARY KEY,
    "run_id" VARCHAR(64) NOT NULL,
    "pushed" INT NOT NULL,
    "tried" INT NOT NULL,
    "again_at" BIGINT NOT NULL
) /* The Hatchet run that plays an enrollment; it has no name until Hatchet has taken it. */;
CREATE INDEX IF NOT EXISTS "idx_hatchet_run_run_id_4e445c" ON "hatchet_runs" ("run_id");
        CREATE TABLE IF NOT EXISTS "hatchet_waits" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "run_id" VARCHAR(64) NOT NULL,
    "number" INT NOT NULL,
    "seconds" INT NOT NULL,
    "since" BIGINT NOT NULL,
    "turn" INT NOT NULL,
    CONSTRAINT "uid_hatchet_wai_run_id_ed91da" UNIQUE ("run_id", "number")
) /* A wait as a Hatchet run was told to make it; when replayed, it is asked for just so. */;
        CREATE TABLE IF NOT EXISTS "workers" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "host" VARCHAR(200) NOT NULL,
    "pid" INT NOT NULL,
    "engine" VARCHAR(20) NOT NULL,
    "version" VARCHAR(40) NOT NULL,
    "journeys" JSON NOT NULL,
    "started_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL
) /* A process at work on a database that several may use. `seen_at` is by the database's clock. */;
        ALTER TABLE "enrollments" ADD "holder" BLOB;
        ALTER TABLE "enrollments" DROP COLUMN "lease_until";
        ALTER TABLE "sends" ADD "holder" BLOB;
        ALTER TABLE "sends" DROP COLUMN "lease_until";
        CREATE INDEX IF NOT EXISTS "enrollment_holders" ON "enrollments" ("holder") WHERE holder IS NOT NULL;
        CREATE INDEX IF NOT EXISTS "sends_holders" ON "sends" ("holder") WHERE holder IS NOT NULL;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "sends_holders";
        DROP INDEX IF EXISTS "enrollment_holders";
        ALTER TABLE "enrollments" ADD "lease_until" BIGINT;
        ALTER TABLE "enrollments" DROP COLUMN "holder";
        ALTER TABLE "sends" ADD "lease_until" BIGINT;
        ALTER TABLE "sends" DROP COLUMN "holder";
        DROP TABLE IF EXISTS "hatchet_waits";
        DROP TABLE IF EXISTS "workers";
        DROP TABLE IF EXISTS "hatchet_runs";"""


MODELS_STATE = (
    "eJztXW1z2ziS/isoffHMlSaVcRzHm9xtlT3x7HjXY+85yWWnkpQEiZCEMQVoCNKyanf++6"
    "HBF/FdBCXRFI0viUWgQfIBiH7QaHT/uzfnFrHFi3MmlsS548veW/TvHsNzIv/IFvZRDy8W"
    "6yK44OKRrWpjVU1dwyPhOnjsyssTbAsiL1lEjB26cClnUPkc2diZEuQLIT5BGP3OPYdhu4"
    "/GfL5wiBDEeofcGQkLEDyXQNRFo5X8VyCLTolwX8AdLT6Wt6Rsuo/GPUb/8MjA5VMiJRx5"
    "iy9feoQ53LbnhLkDaqlHUAK9b9/k35RZ5JEIqAk/F/eDCSW2lUDXl1LXB+5qoa5d0OkVc3"
    "9WdaHJ0WDMbW/O1vUXK3fGWSRAmQtXp4QRB7sE7uA6HgDOPNsOuibsA/891lX8p4zJWGSC"
    "PRu6DaT9B1hf6w0GN7cfBx8uPw4GvUyXhhKxjggujTmD4SAfVSgApvAIP/zl+PjVqzfHL1"
    "+dnr0+efPm9dnLM1lXPW+26M2f/sOs0fKbUphd/e3q5iM8EJdjzh+LcOFPJYNd7Eupzlij"
    "n+m+ZEdcWfmdkBFL9YfnUevFp09X79O9EvZBWbeEF9b9sv56GuiYMoyvby/U23LhTh1V0F"
    "NvCSCvQQ0+gQya79X1fETXMikoRyuXiO7DePHbx8vzFI4jbq3yJgeGnVU+iqHE88FwLsQf"
    "Nlz4v/O7i6ub87vfvvv1/F/fq6JVUHR9e/O3Msxhbp7cx+YHuDDC4/sldqxBpoQf86K62a"
    "L58Tx9BTM8VVjCS8MrBgr2J/nyckYpUL+x0lL9O/brVVTAn2fYlWpRCrmyHhKYWgiPuAcX"
    "bSrcd+pfNPyvIaICkQfiyJEluyyrbbdqKVe1Bk0FMyxIw59GsR6EYk12XjWtmpQxKjU2mM"
    "PRn8Hypxl28tGMiaSglI92gCDKifNxYBM2dWfy548vX5agKpXBT7+c330na32fHLk3QdGx"
    "X5ZEWXgjeLQRyZs6OLcJZvlYJwXT2ldKHiDeZYP29vY6oXwvrlITxM2nXy8uJf4KfVmJuo"
    "l5IzZPzDCT2nCAc/jilXweXDRdJwU3T9sHgHiTM3ds0MuV75jozCxriQ5OLCdV5pWT4mnl"
    "JDurEGZp6cGYwBZKMOAcbUG5ng5sDzUHZlJMzcPSTdQc6lW2jS2IIzhDS4LuGV++QEPJmp"
    "k7EOSPoXzA+UgWK9uVX+9IsWqJdp4lbJumcsh5ioN/6dlYQGuEwXz8DUb/GtnenDgwU8uR"
    "wKGsRx6V6U2+Z4R8hKhfNY5UOPZ7SlKCBj/Q518u7y5RrGV09QHJcYpuPl1f9/7UWhUUfY"
    "e756FPujCoy0JLrGePLgGrqSYzTYnVUiItm92SOuS4Ejk9LiGnx1lySuaY2lowhwLdA/jV"
    "cRWAZa1CgFVZEmDMOFvNuSc0h3Narntw72U8LxwutY1LfctkEuy/f7i9yQc7KZWC2qJjF/"
    "1HGZr2xUN7/z3x2BjgRCOP2i5l4gXc9q+95mdtQCmxDAvxjkygsa74KWeKhwYu0tNMSAz0"
    "rGcJseZWYy/3Nf6fZCk2oU6MRmV5Stl6OCNrlsS1+yHBZvW6IS1qeqF2L4wdAhDVMA0lBE"
    "0P1O4Bb2HV64GkoOmB2j0QXzpnu6Bg3ZoSeu42pAS7cbCoM6ATcrXGc8ugbG44t8aE5zG3"
    "0LktVtovN+GpepVNePdk4SIl9BZhNMXelCC5dLDwCqgrhj+OBHK5i224jtkKcTCyqRrfyX"
    "8EEpSNCfrxL29efp9n2dvDHXJ34xVgcHu8Mnvw7fm6+iXmubDLqhoywvod3NXZiwUDPoUc"
    "NVLk4YbzXLMOd218/OPJm5OzV6cn0ZiOrpQN5SzHecC2lzNOy+aJSKQzaD4fRXwZ+c4W6O"
    "JkhVJ1vPbDraiRbxmJXNQokwox8Pwmq6xuLan7lX1lwyWmrnJmg42ziSNrUuL0kbo+kBRU"
    "DpMhWoJbHJHjykLUfYeGSteqfbd++APLaphZ4U9lSRt+ZdghUprIf6F9Rh5dBC0jm/N7ga"
    "AvpFaXLc64bREnepAld+6ldnfhvgsb1DtGrnxq8H+nbt9v8isT4IEnKcEcr/r+3SdE3n3o"
    "Uwloigu4P0cz/EDkP/D8L9A1Z1OEJ5ICKe94+WLwGt58jp3VEAGBtgSacOcrg2K4r3gH3v"
    "QzLJ/DtuEh5EPOkXy4IbjgS2wVrR5W3GlM7Csm/cWCvgl+SQyd1eCerDbtOMpuHdj0QeIe"
    "jaX4ruOnm6v//XSZt/coX9Yl6OoGfXckH0K2cNRHR9BDcvjAn5ZDJU4W/LnAsk+sI6k/+m"
    "WPnd43XeJ7Euynlr1BzBkdJDZumgbNxjdM0fnN+/IXUs+eeLok3vrPqgZHQ8+qPkC9xwsO"
    "hGx8wrDpzCPGh7cqVBvT/Qxy6lXgj5wRkMZYTiwwpKPKlYcF3byXHrae3EgvfSCth3CInF"
    "k3j07sumQulzR/RS/r9LQ/G2o8li+w8bH8asbJoHknA+NJvFMLWPILrro0TEp1cIG4F3/i"
    "NQnRgDoh1BzSvX1tYDewEI9UaGUP1lCgiyP5uMpAPi4ex8dpeOXdp1Pi+CsTrXk4T9LMxv"
    "E9TrmmHcjF0Uxn9CaEujiCT6uM4NPiEXyaGcFSe2mY6sLqnbEu7cxWF7BzDSxjEgbONJzh"
    "qjkHzpLNyJiU2Yqsu7MeX0xXnXjjMsbLsxI1A8iyEH+Uy+tiiLsCbwmaHy//pUZosetm4v"
    "R6WD3tz5kzpH3Dsy7kMTGDvD7ykVVfbxsrIdYZ7dj0+cVgE0VTicbFDPTbQK8Wd9XXhCkh"
    "452WPCmacxqieP4I63dmAO+MWU85tvUnhZiUYda1TzHARrLGKI7qm1GchjLYzao8t67rm2"
    "k17vTr8BwQixlxJGC4sD4XhuAFDsGC51jcynY94lJdwL2JI8Hgi1zLnT0haM5nmBMyB9sD"
    "kWuP7hdgmfMc2y8Afc8/Hd0aE+nCLN+0do17lWkO+bSoGfaH6D39UOI4/VDJZ/qhurv0Bz"
    "4nKkpnLLKnJVcSaGiRMVWudcrxWHk5Uxec9Rw5dPqBxzP4FcvqiPGgKOtkvZc7VIlYlHQR"
    "AxvsN/DNDM/AhJFGjX9fp/37Wjad7cKEqLsH0fTuQye0QRxyc8zOBArK8afseqCgSD/r9E"
    "pCyHTKzjuFj8eeU8sklJI0+qC2PnDImNCHOn2QkjR9UN8wYYIa7zeoccGh7Z9tjjXPbE9A"
    "pFNU/f3tp4vrS/TPu8ufrj5cBbN8aOrxC9WaMwqLfnd5fp2288BkzMZa7olxmS7Y1lIxPy"
    "sM4VfF8T7TA3iMPUH0Fp0xCbPkjBPBhZtzfqE4EEZY3+z3t8iw+AstMisGJf0yo+KMVg5r"
    "zpBcmMl/HLD42XR8/w4NH4gDNFxZ+maefMY+muPxjDIC9TwmPIfkBD/aqinNYAMz6D+Pud"
    "TedLgYsBjMgpFfeqY4atKcK27e7vhEaRkqzF+HgOsax3v54DosJazfQZp9VoGinBVSlLOM"
    "4YsLqh6oum6Nixj1mvHWcHIC6BdvVQfVu0Clm96mDrSwzrwQEzFTw6apQXK4PJ/7kiQF03"
    "x/+y5gu3vrBiMuxNHS2tVZi3QQ4tOTChCfnhRCDEXpk8SaxlFjE93SJhpbweghnxQ0bkMH"
    "6DZ0ZZH5grtgHSxY5adq9MtW+3RdF45DV46GPMa2TZwjgSDMGLjuQMBC5Y8Erj1zbOUt8q"
    "tKbV7PF66rNY+B7zQ2z9PGKd7X7n1JzjDtIDImeEyvwPBKp0TkqNH36nqB8TWSeT454vNy"
    "vh9QopFuBi5vj2KUxMYt0YpR8SaVCBUDd6PNyvAz+LOuXV6pUIk5GRqt3qKh93aIPAExdi"
    "G8LpG/VC4/+Td+C7GCg3xzsjirL3fZ8BYqNcBDS6/GZTqnXF+9qpSy8FVJysJXG5Vr22Nl"
    "tt+y3ZZpiY34Y9GcFJaVT0hQqyoxh0lA8uyF6znEQssZtQliHC0c/kAh7K2cRSS6EzqF8j"
    "yOrt/AFnNLW3ZuOrYh5vKBdo7ZuEwHzV57yTM7cfhcH+mklMG6GtbCG/1O8vYhyg4oRiKd"
    "QLnprZ/8gX1BGXZW+YgXDOoOr0gjwCXeF1c353e/5SNeeQUbaN4aS9ikpFnD1vf6xrU8vr"
    "E5jlsH+pbw9L/7cfELmHqstJSrB9H1K9vRg/oICwT5hhHkG4YURWAYh+DQ/chMDmegsMvB"
    "ei6W1B3P8sj7ts1tZSbQMxB00jSww9wDxexevgNlBe5EZee14lLNH9h6GjW9l6NZJtR73t"
    "Dfeah3wuDF8/KOcm4TzAr2mNZSaRYqxfYFczjlNExCb2+vE6P74ipN6z/9enEpcVewr4+p"
    "5IT6o04y3b0G9cnIGteO2uSzXg8Y7HeB/RQyCNaINMpMDP8DJv6/EiFkSQHxj5WWEv+5X6"
    "8i8f8oGbgDcW/Axq4s7nyCMBIqCydEd4ITKcR6h4Sk6LLKiEx4kD5UTbZhbr3sGmCnLRvL"
    "ftss+8YK2rgV1Bj5mzPyG4vz5hlj1xZnm7J7rcgvkUA7or7A/ToT9cU4sD1nIurifAoqr2"
    "8gn0GNjcTzZ1kqEB5xz5WcjwpEYVDJIQAV3qpM8OBQpuggBPP32aMcsD5bHPPFKss5d9Wo"
    "8ftuy+GeYgJaEC2mmH4WBYs5TA7UBPlsyXR0RyaewHbBujhWWjo1OX69yr60cC4kOBISRo"
    "P1U7zHPWGZ/BFudbngJQscgDCB5FpWTjd5rrQ7a7dKRNpkju11MgQIRQuhaWOOmiY0bSPr"
    "ZpMrvblc6fopQ7ZMF9JujHd/prntvuFt0chVkwqZc2y7gtIcBX9G69UPhFkF7DAsKqWGUc"
    "7DzbzwlhH/fBNyOeKMhJTtre/L5Lkj/hi5NjlkzB3IO+DnUFPxw+A6BHUgjk/sXHxPRC5V"
    "3O+tctjjl55PROfrOUWSzoXKTv0tRS0TccyS7MTy1C4kCJRENFOYDyx/RRZ+b71+NqKZ31"
    "wymhl86bH7xxIfVbrrTKIGIG+4s5wtXE+g/0FHICYFjjJ3DpLjVburqis23dWvln7fLz3/"
    "aeLkPQm7ofBNUfi2s55DQDfuXJWacyoyn7SYCZ/agkVmy5BsYI0ZaUgNoOMy3YN5Lwk7Uu"
    "FhdNDOEd0J6C2ytu8FcvC+sSUcOljHZTpoQdnLDAKmXc2ZOiZiUK44Tzfvr9SyWbppdyXI"
    "lqSdXqlF7hydSuLzJAfxW/YBNOA2hi0LjAA6KMdEDMjVDuBHlpDqhDuU6KK6PK6iLY+Lle"
    "Xxk++btXoM74VcB0bSDMSlexRrIXO+o+7Rmpb7NT6DHohZ6/V6ICloeqB2D8D+R50OSMiZ"
    "Kagu/AKM1jVOVkZSBvq60FvEpg+kVlSbtKjphLqdAAm2aqWTjcsZ+GszIMhqVosBJQRNB9"
    "TtgDCCpc4CKy7TvSXW7j0TQ7w0Despse4hvZfFbHBSW8vYG5dph723U8f3Asek7ARf4E6x"
    "rv/c/Sja4tPokkWRT2NQ1C/1aZSVqqdPJZMJkR8dn6Dh2H18AcJD32lwiYXsV0os5WpIhT"
    "qwEgRyUw4j2EYrkuO+uLNWq3kq5jkparnDXdBpYQrEXG2Qw3iCD6C1vnBN8p2SdC1P7/HV"
    "NjvQ9i5fT3nu9DkznMI5o4TgHLStcmeZUzETyzyKUuyQsZboAjFv2h+DOA7XgjsSMGjro0"
    "3FgD/kDe/SmJExqQZjRj6RYtsuZmRbeLq3CM99FNH1ZI1y1r6uW528Bx4kPrOee8JVbHpE"
    "VNQ1YvmhlpeznHgZusJbxMV4As+YlnHvfTnGFBNtc/55z1ZGc8q0adu5nJy0gr6E9Q2F0a"
    "cwTxQ583BQb78V8aPnFNGSsKiUj7iyksbJaKiuYmoxtLbW+HG3FthRlsCYha+PuOMnXoaF"
    "hs9AIGCsVXgcesftV7MsMm8+gjO+xrjYHoVgjIuNGheDTyCH6xSp3UigS1xnZ6avhY1XdT"
    "wwEnJdQrZpFxiTN6WXPUew87wp3HPHfK51gDQm0kWId35UI9rmrbogigQ6Aa+xoXcN7ZYs"
    "nM49i7oFK6eorF+2dMJQq9rS6TOsTOSaJkyFh8YzzKZ5WbFLa+44Z56JD1QzPpCxCjbN55"
    "YzrkMyguqd0IBNHGoe56d4LNm5iSQ6iPFpFYhPixE+rR6bouREc8dy6aR3aqpt1ZTt1WRQ"
    "9hNMZUEu9lFeS2zloXw4LG4vrsh44ubZjkpcw0MBg7oe6i3hzv8oTF79jwqJq/GCQpiu6u"
    "4P5/+8QlLgLeLMXqm9AItOiXDBrfie5KWmqypkCHU7CLX6X0M5hvU7qBn3Ehtr4ZAJfdRB"
    "eC3RQYzPKiB8VojvWSbUh5pYsui+V9fz8V3L7Cqd3CFNCXnJ4cSYL4jWCbO1hDlftnNSxx"
    "06pUyrP2IipkN23iEmrs1TG6HI44LKDtLvgaSgOVdftwNsLNyBJ+p8BGlR0wl1O8EhD7xW"
    "dImkoOkAnQ5oycL/NtiVKlj9x4v7ZSaAcHerog3gA58TyI+ynHE0xysk6JSpw8Rcef9ZWM"
    "xGXL5c1hCgJWmsAe2wBmjHsd1x8vNuniKJWQOwEEsu54J8B6liX4eMoPF50PcwcbitZesK"
    "63fQDvNjNVNXiaUrk6/QLJKeOgAfFYBHnfh7SUlDEA+QIH4oPyhb9ZCs3gFZxeqI9YPkdS"
    "OHLwVxgl0fRfH8XR8+UXtAY87vKSnZONqurS0YpDEi1zciF1PJcKGhdVQkJWRyuRn92h79"
    "KghhdWILR1IGe2P6OqQOaAuzkbzgil1Tdl9EbhIVyvmNrDqgbGDLypVJDmfkB5fOCQKpIJ"
    "qHyvfLHUVaBNi1Yp7jeeSmVhuG1LSM1DRsH2vbzLN/A5kx0RgTTce0aFv2sU0PwJV6e9hm"
    "+/qwKeQv2B3PiHvnFdnHkhVKKeTMrzpwvKpmso8zgoIbICnlsz+INyCS0VbeIeqiGYaIzQ"
    "ieD3nMpXYkCiWu5IwsN4bLPm7ylX1lw4UnZsQagrUNLHF++IkwHIyKGqNuRf3I0+DtgZYc"
    "Gphwxw9xN1ThqIdoxpdSzlVtQ+Wv8Mk5ropUTZbv0HJGbYKw36i8HYRrtODD8W8gkAUbyn"
    "iKgSq7aKj+kp/lEH6pYDTYsamksNuS5zYGOjkkKl1hp1kOUc38EWuJfZG9DKK9XiNM7/Sk"
    "yqm3k+JTbyeZfWb1zeYpuaL95UigOW7xcr/abWcRZdTspYFlVN9AmYlLHczYmvQrLma47w"
    "ETsM+4MPJDqkYlCraUlStb8aAykgwFJ2iSypbBbQv80sAgJ6kJEBHJURzih4TqA1uR5AOL"
    "e8lUJKlBv0MoX8HzzHz7uUluML21PjRR9Nr21R0a83nKI/87Jz8mot5ulbYg8gaWTn6OmI"
    "RBNA9RysY5Zu7yfeRQpkuINmz8A8OCDpEPqncJ8a3GcEvI5Gfu3JOikxDrwlIKuVTVKpPH"
    "hcPHkMoB8qtJScSZpHig4kdYEN8+JciDHA+2OuzgCfICDQPXD2U6GwV+bIHIkUBjm4/v8z"
    "jk3u6lzHkqgDNZiSHCDrTGwzYDsyCE4vRNdwSPZ2hJ3ZlqDa7LlsD/3BzZaJEhTXagVnSj"
    "sH4HqeRe0pMtckdroR2t6lrpEMDdMeuR3USZ1u7+WqKTo7XSYC0Zq+mhKnWC0IwmFxPpIM"
    "S7z0oTas8sxsXBGeIy7YjOALftTHSGYA+xhmduQrBLU7ZxjO409i1Zhp0Th45nvbwozn5J"
    "vzQW3brOpvVXcRfsehHyTCzgW1K64sWIYSBpkvf6dRWW9/p1Mc2DstQuqvyoNBAOqncQ3b"
    "1E7JN3dAnL0WbFDC8m0jzBexprRTcCq/75/77CFs4="
)
