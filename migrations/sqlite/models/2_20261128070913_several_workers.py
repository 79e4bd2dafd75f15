from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "hatchet_runs" (
    "enrollment_id" BLOB NOT NULL PRIMARY KEY,
    "run_id" VARCHAR(64) NOT NULL,
    "started_at" BIGINT NOT NULL,
    "tried" INT NOT NULL
) /* The Hatchet run that plays an enrollment; `tried` is how often it was started anew. */;
CREATE INDEX IF NOT EXISTS "idx_hatchet_run_run_id_4e445c" ON "hatchet_runs" ("run_id");
        CREATE TABLE IF NOT EXISTS "hatchet_waits" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "run_id" VARCHAR(64) NOT NULL,
    "number" INT NOT NULL,
    "seconds" INT NOT NULL,
    "since" BIGINT NOT NULL,
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
    "eJztXWtz2ziy/SsoffHMLU0qYzuON7l3q+zEs+NZj73rJDc7laQkiIQkjihAQ5CWVbvz3x"
    "cNPsS3CEqiKRpfEotAk9QB1H3QaHT/uzdnJrH5iwvKl8S5Z8veG/TvHsVzIv7INvZRDy8W"
    "6ya44OKRLXtj2U1ewyPuOthwxeUxtjkRl0zCDcdauBaj0PkC2diZEOQLITZGGP3OPIdiu4"
    "8MNl84hHNivkXulIQNCN6LI8tFo5X4lyPTmhDuvoAnmswQj7ToZB8396j1h0cGLpsQIeGI"
    "R3z50iPUYbY9J9QdWKZ8BSnQ+/ZN/G1RkzwSDj3h42I2GFvENhPo+lLy+sBdLeS1S2tyTd"
    "2fZF+45WhgMNub03X/xcqdMhoJWNSFqxNCiYNdAk9wHQ8Ap55tB0MTjoH/PdZd/LeMyZhk"
    "jD0bhg2k/RdYX+sNBrd3Hwcfrj4OBr3MkIYSsYEILhmMwnQQr8olABN4hR/+cnx8cvL6+O"
    "XJ2fmr09evX52/PBd95ftmm17/6b/MGi3/VhKz679d336EF2JizvlzES78KWWwi30pORhr"
    "9DPDlxyIazN/EDJiqfHwPMt88enT9fv0qIRjUDYs4YX1uKx/PQ0MTBnGN3eX8tsy7k4c2d"
    "CT3xJAXoMa/AQyaL6X1/MRXcukoBytXMK7D+Plbx+vLlI4jpi5ylMOFDurfBRDieeD4Zzz"
    "P2y48P8X95fXtxf3v33368W/vpdNq6Dp5u72b2WYg24ez2L6AS6MsDFbYsccZFrYMSvqm2"
    "2aH8/TVzDFE4klfGn4ioGBfSe+vNAoBeY31lpqfw2/X0UD/HmKXWEWhZAr+iGOLRPhEfPg"
    "om1x9638Fw3/Z4gsjsgDccTMEkOWtbZb3SnXtAa3CjQsSMOf2rAehGFNDl41q5qU0SY1Np"
    "nD2Z/B8t0UO/loxkRSUIpXO0AQheJ8HNiETtyp+Pjjy5clqApj8O7ni/vvRK/vkzP3Nmg6"
    "9tuSKHNvBK82InmqgzGbYJqPdVIwbX2F5AHiXTZp7+5uEsb38jqlIG4//Xp5JfCX6ItOlp"
    "vQGzE9McVUWMMBzuGL1+J9cJG6TgpuVtsHgHiTmjs26cXK1yAqmmUt0UHFclpFr5wWq5XT"
    "rFYh1FSygzGBLYxgwDnagnI9G9geag7MpJiah62bqDn0q+wbWxCHM4qWBM0oW75AQ8GaqT"
    "vg5I+heMH5SDRL35Xf70iyaoF2nidsm1vlkPMUB//SszGHuxEK+vgbzP41sr05cUBTi5nA"
    "oK1HHqXrTXzPCPkIUb9rHKlw7vekpAANPqDPP1/dX6HYndH1ByTmKbr9dHPT+1NpVVD0O9"
    "w9D33ShUFdFlriPXt0CXhNFZlpSqyWEWmZdkvakONK5PS4hJweZ8kpmWPLVoI5FOgewCfH"
    "VQAWvQoBlm1JgDFldDVnHleczmm57sG9l/m8cJiwNq7leyaTYP/y4e42H+ykVApq0zJc9B"
    "/paNoXD+3979ijBsCJRp5luxblL+Cxf+01r7UBpcQyLMQ7coHGhuJdjoqHG1ym1UxIDNS8"
    "Zwmx5lZjL/c1/59kKTa2nBiNyvKUsvVwRlYviWuPQ4LNqg1DWlSPQu1RMBwCENVwDSUE9Q"
    "jUHgFvYdYbgaSgHoHaIxBfOmeHoGDdmhJ67j6kBLtxMK8zoRNyteZzy6Bsbjq3xoXnUbcw"
    "uC3W2i934cl+lV14M7JwkRR6gzCaYG9CkFg6mHgF1BXDH0ccuczFNlzHdIUYONlkj+/EPx"
    "xxixoE/fiX1y+/z/Ps7eEJubvxEjB4PF7pPfj2/Lr6Je65cMiqOjLC/h3c1dmLBwN+Cjlm"
    "pCjCDeeFZh3u2vj4x9PXp+cnZ6fRnI6ulE3lLMd5wLaXM0/L9EQk0hk0n48hvopiZwtscb"
    "JDqTlex+FWtMh3lEQhahYVBjGI/CarrG0t6fuVfqXDJbZcGcwGG2djR/S0iNNH8vpAUFAx"
    "TYZoCWFxRMwrE1nuWzSUtlbuu/XDD1h0w9QMP0pP2vArxQ4R0kT8C/en5NFFcGdkMzbjCM"
    "ZCWHVxxymzTeJEL7JkzkxYdxeeu7DBvGPkireG+HfL7fu3/Eo5ROAJSjDHq77/9DERTx/6"
    "VAJuxTg8n6EpfiDiH3j/F+iG0QnCY0GBZHS8+GLwNbz5HDurIQICbXI0Zn4rPJa/hWD6KR"
    "avYdvwDuId5wi7Aj8IwRfYSlo9rLjTmNhXTMaLBWMTfBIYOqvBjKw27TiKYR3Y1oPAPZpL"
    "8V3HT7fX//x0lbf3KL6sS9D1LfruSLyEuMNRHx3BCInpA3+ajiVwMuHPBRZjYh4J+9Eve+"
    "30vukSz0iwn1r2DWLB6CCxcdM0uG18wxRd3L4v/0Ly3RNvl8Rb/V3l7GjoXeUPUO31ggMh"
    "G98wvHXmFePTWzbKjel+Bjn5VeCPnBmQxlgoFpjSUefK08LavJce3j25kV76Qkov4RChWT"
    "fPTuy6ZC6WNH9FL+uMtK8NFV7LF9j4Wn43HWTQfJCBjiTeqQcs+QuuujRMSnVwgbiXeOI1"
    "CVGAOiHUHNK9fW1gN7AQj0xo5QjWUKCLM/m4ykQ+Lp7Hx2l4xdMnE+L4KxMlPZwnqbVxfI"
    "9TrGkHYnU0VZm9CaEuzuCzKjP4rHgGn2VmsLBeCq66sHtnvEs789UF7FwBy5iEhjMNZ7hq"
    "zoGzZDMyJqW3IuvurMcX01UVb1xGR3lWomYAWRbij2J5XQxxV+AtQfPj1b/kDC0O3UycXg"
    "+7p+M5c6a073hWhTwmppFXRz7y6qttYyXEOmMdmz6/GGyiKBrRuJiGfhvo5eKu+powJaSj"
    "05InRXNOQxTrj7B/Zybwzpj1hGFbXSnEpDSzrn2KATaSFWZx1F/P4jSUwW5WZd267q/Vaj"
    "zo12E5IBYz4khAc2F1LgzJCxyCOcvxuJXtesSluoB7E0eCIRa5Vjh7QlCfz9AnZA52BKLQ"
    "HtVfgKnPc2y/APQj/1Rsa0ykC1q+aesajypTnPJpUT3tDzF6+qEkcPqhUsz0Q/Vw6Q9sTm"
    "SWzlhmT1OsJNDQJIYlQ+tk4LGMcrZcCNZzxNTpBxHPEFcsuiPKgqZskPVenlAlY1EyRAx8"
    "sN8gNjM8AxNmGtXxfZ2O72uZOtuFC1F1D6Lp3YdOWIM45PqYnU4UlBNP2fVEQZF9VhmVhJ"
    "AelJ0PCjMMz6nlEkpJantQ2x44xCDWQ50xSEnqMajvmNBJjfeb1Ljg0PZPNsOKZ7bHINIp"
    "qv7+7tPlzRX6x/3Vu+sP14GWD109fqNcc0Zp0e+vLm7Sfh5QxtRQCk+My3TBt5bK+VlhCp"
    "8U5/tMT2ADe5yoLTpjEnrJGSeCCzfn/EJxIoywv97vb5Fj8WeryK0YtPTLnIpTq3Jac4rE"
    "wkz844DHz7aM2Vs0fCAO0HDp6Zt64h37aI6NqUUJ9PMo9xySk/xoq1spJhuYwvh51LXsTY"
    "eLAYvBNJj5pWeKo1vqc8XN+x2fqCxDBf11CLiucZyJF1dhKWH/DtLs8woU5byQopxnHF+M"
    "W/KFqtvWuIg2r5loDScngX7xVnXQvQtUuult6sAKq+iFmIhWDZtUg+BweTH3JUUKJvnx9l"
    "3AdvfeDUpcyKOltKuzFukgxGenFSA+Oy2EGJrSJ4kVnaPaJ7qlTzS2glFDPimow4YOMGzo"
    "2iTzBXPBO1iwyk/16Jet9q11XzgOXTkbsoFtmzhHHEGaMQjdgYSFMh4JQnvm2Mxb5FeV2r"
    "yeL1xXKx4D32lunqfNU7yv3fuSmmHKSWR08phegePVmhCeY0bfy+sFztdI5vnUiM+r+X5A"
    "hUa6mbi8PYZREBu3xCpGzZtMInQMwo02G8PPEM+6Dnm1uCzMSdFo9QYNvTdD5HHIsQvpdY"
    "n4JGv5ib/xG8gVHNSbE81Ze7nLG29hUgM8lOxqXKZzxvXkpFLJwpOSkoUnG41r23Nltt+z"
    "3Ra1REfssUgnhW3lCgl6VSXmoAQEz164nkNMtJxaNkGUoYXDHixIeyu0iEB3bE2gPY+jq9"
    "9gC93Slp2bjm2IuWygXGM2LtNBt9de6syOHTZXRzoppbGuhjX3Rr+TvH2IsgOKkUgnUG56"
    "6yd/Yl9aFDurfMQLJnWHV6QR4ALvy+vbi/vf8hGvvIINLG+NJWxSUq9h60d941oR31gfx6"
    "0DfUt4+i9+XvwCph5rLeXqQXb9yn70oD/CHEG9YQT1hqFEETjGITl0P3KTwxko7DLwnvOl"
    "5RrTPPK+7e22chOoOQg66RrYYe2BYnYvvoNFC8KJys5rxaWaP7D1NGZ6L0ezdKr3vKm/81"
    "TvhMIXz6s7yphNMC3YY1pLpVmoENsXzKHKaZiE3t3dJGb35XWa1n/69fJK4C5hXx9TyUn1"
    "ZznJcvcK1Ccjq0M7apPPeiOgsd8F9hOoIFgj0yjVOfwPmPj/SjgXLQXEP9ZaSvznfr+KxP"
    "+jYOAO5L0BH7v0uLMxwojLKpyQ3QlOpBDzLeKCoosuIzJmQflQqWzD2nrZNcBO76w9+23z"
    "7GsvaONeUO3kb87Jrz3OmzXGrj3OtkVnSplfIoF2ZH2B53Um64sOYHvORNTF+RRUXN9APo"
    "MeG4nnT6KVIzxinis4n8WRBZNKTAHo8EbWeoeAMkkHIZm/zx7FhPXZosEWqyzn3NVNddx3"
    "Ww73FBPQgmwxxfSzKFnMYXKgJshnS9TRPRl7HNsF6+JYa6lqcvx+lWNp4VxIcCQkzAbrl3"
    "iPR8JS8SHc6nIhShY4AKEcibWsUDd5obQ7u2+VjLTJGtvrYgiQihZS08YCNXVq2kbWzbpW"
    "enO10tVLhmxZLqTdGO/+THPbY8PbYpGrFhXS59h2BaU+Cv6M1qsfCDUL2GHYVEoNo5qHm3"
    "nhHSX++SbkMsQoCSnbGz+WyXNH7DEKbXKIwRyoO+DXUJP5w+A6JHUgjk/sXDwjPJcq7vdR"
    "OezxS88novO1ThGkcyGrU39LUctEHrMkOzE9uQsJAiUZzSTmA9NfkYW/t14/m9HMv10ymx"
    "n80mPPjxU+qvTUqUANQN7wZKEtXI+j/0NHICYEjjJPDorjVXuq7Ms3PdXvlv6+X3r+28TJ"
    "exJ2TeGbovBtZz2HgG48uCqlcyoyn7SYTp/agkVmy5BsYI0ZWUgFoOMy3YN5LwU7UulhVN"
    "DOEd0J6C3ytu8Fcoi+sQUcKljHZTroQdmLBgHXrqKmjololCvq6ebjlVqmpZsOV4JqScrl"
    "lVoUztGpIj5PchC/ZT+ABsLGsGmCE0AF5ZiIBrnaAfzIE1KdcIcSXTSXx1Ws5XGxsTx+8n"
    "2zVs/hvZDrwEmagbh0j2ItpM931D1a0/K4xmcwAjFvvdoIJAX1CNQeAdj/qDMACTmtgurC"
    "z8FpXeNkZSSloa8LvUls64HUymqTFtWDUHcQoMBWrXKycTkNf20GBFXNajGghKAegLoDEG"
    "awVFlgxWW6t8TafWRiiJeiYz0l1j2k97KYDU5qKzl74zLt8Pd26vheEJiUVfAF4RTr/s89"
    "jqItMY0uWRTFNAZN/dKYRtGpevlUMh4T8aNjYzQ03McXIDz0gwaXmItxtYgpQw0tLg+sBI"
    "ncZMAIttGK5IQv7uyu1SIV84IUlcLhLq1JYQnEXGuQw3iCH0BrY+Ga5Dsl5VqePuKrbX6g"
    "7UO+nvLc6XNmOIU6o4TgHLSvcmeVUzHlyzyKUhyQsZboAjFvOh6DOA5TgjsS0Giro23xAX"
    "vIm96lOSNjUg3mjHwiw7Zdzsi28HRvEZ77KKLryR7lrH3dtzp5DyJIfGY997gr2fSIyKxr"
    "xPRTLS+nOfkyVIW3yIvxBJExLePe+wqMKSba+vzznr2M+pRp075zoZyUkr6E/TWFUacwT5"
    "Q583BQb78X8aPnFNGSsKmUj7iik8LJaOguc2pRtPbW+Hm3FtiRnsCYh6+PmOMXXoaFhs9A"
    "IGGsWXgcesf3r+ZZpN58BGd8tXOxPQZBOxcbdS4GP4EcrlNkdiOBLnGdnbm+FjZe1YnASM"
    "h1CdmmQ2B03ZRe9hzBzuumMM812FzpAGlMpIsQ7/yoRrTNW3VBFAl0Al7tQ+8a2i1ZOF14"
    "puUWrJyitn7Z0glDr2pLp8+wMhFrmrAUHjKmmE7yqmKX9txxzTydH6hmfiDtFWyazy2nTI"
    "VkBN07YQGbONRs5Jd4LNm5iSQ6iPFZFYjPihE+q56bouREc8dq6aR3aqpt1ZTt1WRQ9gtM"
    "ZUEujlFeS2wVoXw4LG4voch47Ob5jkpCw0MBjboa6i3hzn8vLF799wqFq/HCgjRd1cMfLv"
    "5xjYTAG8SovZJ7AaY1IdyFsOIZyStNV1VIE+p2EGr5v4JxDPt30DLuJTfWwiFj61EF4bVE"
    "BzE+r4DweSG+55lUH1KxZNF9L6/n47uW2VU5uUNSCXnF4bjBFkTphNlaQp8v2zmpY441sa"
    "jSeMRE9IDsfEB0XpundkKRx4UlBkh9BJKC+lx93QGwMXcHHq/zI0iL6kGoOwgOeWC1sksk"
    "BfUAqAxASxb+d8GuVMHqP97cL3MBhLtbFX0AH9icQH2U5ZShOV4hbk2oPEzMZPSfifl0xM"
    "SXyzoClCS1N6Ad3gDlPLY7Ln7ezVMkMW8A5nzJhC7ID5AqjnXICOqYB/UIE4fZSr6usH8H"
    "/TA/VnN1lXi6MvUK9SLpqRPwWRzwqJN/LympCeIBEsQP5Qdlqx6SVTsgK1kdMX8QvG7ksC"
    "UnTrDrIymev+vDxnIPyGBsZpGSjaPt7rUFg9RO5PpO5GIqGS40lI6KpIR0LTdtX9tjXzkh"
    "tE5u4UhKY69dX4c0AG1hNoIXXNMbi86KyE2iQzm/EV0HFh3YonNlksMo+cG15gSBVJDNQ9"
    "b7ZY4kLRz8WrHI8TxyU+semtS0jNQ07B9rm+bZv4NMu2i0i6ZjVrQt+9h6BOBKvT1svX19"
    "2BTyZ+waU+Lee0X+sWSHUgo59bsOHK+qm+zjlKDgAUhI+ewP8g3wZLaVt2goEzcPwbM1ZU"
    "vExi6hyPJzOovp6bgyqzNZZhnmnp6xBQNtY7aQQ+KjFbZrxUArFmFYS+yLMT3dju3ZaZXD"
    "Y6fFh8dOc6phOrUIU1JQm+va5lrqqjzwC4CP+jeH+cv9Ar5VYpx2md/PuPDcf6pHJQO8FJ"
    "0r+3CgMxIWDiespKyVwGwTopLAHSPs4Fu0nAqD6BA/IVAfTKMwlZjPhF0cMwf9DolcOctz"
    "8uznIbmp1NaKXOdQa58COyyT/ZQHvndus3U+te3NRnLXSzzAVKnOEJPQiOYhalEjx8lZTi"
    "hDmS4h+nz8D5+ZMyNFsdvrxlLas5TdKhOehcMMSD4PFaGEJGJU0BIwSyPMie8e4ORBzBpb"
    "hmd7nLxAw2CzWjoHRkHkTSByxJFhM2OWx3v29qyv9CsdypSzZMWHCDtwNxbeU5CmKYZoIJ"
    "MAaeojgo0pWlruVN4Nros7QcSsDjJvkddCDKBSPpawfwfpz14KKi1yZ2th3tOq/P4QwN2x"
    "pRbDZFGl/ci1RCdna6XJWjJX01NV2ASumP8qJtJBiHdfRyO0nlmMi4+Tx2XacZ4cHtuZ8+"
    "TarfzUbmUdytks9i1Zhl0QxzKmvby8s35LvzR71rrPpvVX8RDsehHyTLy2W1K64sWIZiBp"
    "kvfqVRWW9+pVMc2DtlSeQvGjUkA46N5BdPeSY0w80SU0x5oVM7yYSPME72m8Fd1IBfnnfw"
    "FT6Qf/"
)
