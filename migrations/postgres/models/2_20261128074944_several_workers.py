from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "hatchet_runs" (
    "enrollment_id" UUID NOT NULL PRIMARY KEY,
    "run_id" VARCHAR(64) NOT NULL,
    "pushed" INT NOT NULL,
    "tried" INT NOT NULL,
    "again_at" BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_hatchet_run_run_id_4e445c" ON "hatchet_runs" ("run_id");
COMMENT ON TABLE "hatchet_runs" IS 'The Hatchet run that plays an enrollment; it has no name until Hatchet has taken it.';
        CREATE TABLE IF NOT EXISTS "hatchet_waits" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" VARCHAR(64) NOT NULL,
    "number" INT NOT NULL,
    "seconds" INT NOT NULL,
    "since" BIGINT NOT NULL,
    "turn" INT NOT NULL,
    CONSTRAINT "uid_hatchet_wai_run_id_ed91da" UNIQUE ("run_id", "number")
);
COMMENT ON TABLE "hatchet_waits" IS 'A wait as a Hatchet run was told to make it; when replayed, it is asked for just so.';
        CREATE TABLE IF NOT EXISTS "workers" (
    "id" UUID NOT NULL PRIMARY KEY,
    "host" VARCHAR(200) NOT NULL,
    "pid" INT NOT NULL,
    "engine" VARCHAR(20) NOT NULL,
    "version" VARCHAR(40) NOT NULL,
    "journeys" JSONB NOT NULL,
    "started_at" BIGINT NOT NULL,
    "seen_at" BIGINT NOT NULL
);
COMMENT ON TABLE "workers" IS 'A process at work on a database that several may use. `seen_at` is by the database''s clock.';
        ALTER TABLE "enrollments" ADD "person" TEXT;
        ALTER TABLE "enrollments" ADD "holder" UUID;
        ALTER TABLE "enrollments" DROP COLUMN "lease_until";
        ALTER TABLE "sends" ADD "holder" UUID;
        ALTER TABLE "sends" DROP COLUMN "lease_until";
        CREATE INDEX IF NOT EXISTS "enrollment_holders" ON "enrollments" ("holder") WHERE holder IS NOT NULL;
        CREATE INDEX IF NOT EXISTS "sends_holders" ON "sends" ("holder") WHERE holder IS NOT NULL;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "enrollment_holders";
        DROP INDEX IF EXISTS "sends_holders";
        ALTER TABLE "sends" ADD "lease_until" BIGINT;
        ALTER TABLE "sends" DROP COLUMN "holder";
        ALTER TABLE "enrollments" ADD "lease_until" BIGINT;
        ALTER TABLE "enrollments" DROP COLUMN "person";
        ALTER TABLE "enrollments" DROP COLUMN "holder";
        DROP TABLE IF EXISTS "hatchet_runs";
        DROP TABLE IF EXISTS "hatchet_waits";
        DROP TABLE IF EXISTS "workers";"""


MODELS_STATE = (
    "eJztXW1z2ziS/isoffHMlSaVcRzHm9xtlT3x7HjXY+85zmWnkpQEiZCEMQVoCNKyanf++6"
    "HBF/FdBCXRFIMviUWgQfIBiH7QaHT/uzfnFrHFi3MmlsS548veW/TvHsNzIv/IFvZRDy8W"
    "6yK44OKRrWpjVU1dwyPhOnjsyssTbAsiL1lEjB26cClnUPkc2diZEuQLIT5BGP3OPYdhu4"
    "/GfL5wiBDEeofcGQkLEDyXQNRFo5X8VyCLTolwX8AdLT6Wt6Rsuo/GPUb/8MjA5VMiJRx5"
    "i8+fe4Q53LbnhLkDaqlHUAK9r1/l35RZ5IkIqAk/Fw+DCSW2lUDXl1LXB+5qoa5d0OkVc3"
    "9WdaHJ0WDMbW/O1vUXK3fGWSRAmQtXp4QRB7sE7uA6HgDOPNsOuibsA/891lX8p4zJWGSC"
    "PRu6DaT9B1hf6w0GN7f3gw+X94NBL9OloUSsI4JLY85gOMhHFQqAKTzCD385Pn716s3xy1"
    "enZ69P3rx5ffbyTNZVz5stevOn/zBrtPymFGZXf7u6uYcH4nLM+WMRLvypZLCLfSnVGWv0"
    "M92X7IgrK78TMmKp/vA8ar34+PHqfbpXwj4o65bwwrpf1l9PAx1ThvH17YV6Wy7cqaMKeu"
    "otAeQ1qMEnkEHzvbqej+haJgXlaOUS0X0YL367vzxP4Tji1ipvcmDYWeWjGEp8OxjOhfjD"
    "hgv/d353cXVzfvfbd7+e/+t7VbQKiq5vb/5WhjnMzZOH2PwAF0Z4/LDEjjXIlPBjXlQ3Wz"
    "Q/nqevYIanCkt4aXjFQMH+JF9ezigF6jdWWqp/x369igr40wy7Ui1KIVfWQwJTC+ER9+Ci"
    "TYX7Tv2Lhv81RFQg8kgcObJkl2W17VYt5arWoKlghgVp+NMo1oNQrMnOq6ZVkzJGpcYGcz"
    "j6M1j+NMNOPpoxkRSU8tEOEEQ5cT4NbMKm7kz+/PHlyxJUpTL46Zfzu+9kre+TI/cmKDr2"
    "y5IoC28EjzYieVMH5zbBLB/rpGBa+0rJA8S7bNDe3l4nlO/FVWqCuPn468WlxF+hLytRNz"
    "FvxOaJGWZSGw5wDl+8ks+Di6brpODmafsAEG9y5o4NernyHROdmWUt0cGJ5aTKvHJSPK2c"
    "ZGcVwiwtPRgT2EIJBpyjLSjX04HtoebATIqpeVi6iZpDvcq2sQVxBGdoSdAD48sXaChZM3"
    "MHgvwxlA84H8liZbvy6x0pVi3RzrOEbdNUDjlPcfDPPRsLaI0wmI+/wuhfI9ubEwdmajkS"
    "OJT1yJMyvcn3jJCPEPWrxpEKx35PSUrQ4Af69Mvl3SWKtYyuPiA5TtHNx+vr3p9aq4Ki73"
    "D3PPRZFwZ1WWiJ9ezJJWA11WSmKbFaSqRls1tShxxXIqfHJeT0OEtOyRxTWwvmUKB7AL86"
    "rgKwrFUIsCpLAowZZ6s594TmcE7LdQ/uvYznhcOltnGpb5lMgv33D7c3+WAnpVJQW3Tsov"
    "8oQ9O+eGjvvyceGwOcaORR26VMvIDb/rXX/KwNKCWWYSHekQk01hU/5Uzx0MBFepoJiYGe"
    "9Swh1txq7OW+xv+zLMUm1InRqCxPKVsPZ2TNkrh2PyTYrF43pEVNL9TuhbFDAKIapqGEoO"
    "mB2j3gLax6PZAUND1QuwfiS+dsFxSsW1NC37oNKcFuHCzqDOiEXK3x3DIomxvOrTHhecwt"
    "dG6LlfbLTXiqXmUT3gNZuEgJvUUYTbE3JUguHSy8AuqK4Y8jgVzuYhuuY7ZCHIxsqsZ38h"
    "+BBGVjgn78y5uX3+dZ9vZwh9zdeAUY3B6vzB58e76ufol5LuyyqoaMsH4Hd3X2YsGATyFH"
    "jRR5uOE816zDXRsf/3jy5uTs1elJNKajK2VDOctxHrHt5YzTsnkiEukMmt+OIr6MfGcLdH"
    "GyQqk6XvvhVtTIt4xELmqUSYUYeH6TVVa3ltT9wr6wob9XptzZYOssrIoFuJqvn6yPpG6m"
    "dsLLfIbBx/wdGi4xdaMWJo5sghKn718fSBorh9oQLcG1jsixaflCSl+rvbt++APLaphZ4U"
    "9ljRt+YdghUprIf6F9Rp5cBC0jm/MHgaA/JTOQLc64bREnepAldx4kQ3DhvgsbKAJGrnxy"
    "eDEqX0g1+YUJ8OKTbzPHq75/9wmRdx/6dASa4gLuz+X7PhL5Dzz/C3TN2RThiaRRysNevh"
    "i8hjefY2c1REDCLYEm3PnCoBjuK96BRz6Ahm0bHkI+5BzJhxuCG78EXVHzYcXdysTeZNLn"
    "LOjf4JfE0FkNHshq066lHBoDmz5K3KNej+9cfry5+t+Pl3n7l/JlXYKubtB3R/IhZAtHfX"
    "QEPSSHIPxpOVTiZMGfCyz7xDqSOqhf9tjpvdclfiDBnmzZG8Qc2kFi48Zr0Gx80xWd37wv"
    "fyH17ImnS+Kt/6xqcDT0rOoD1Hu84HPf+IRh05lHjA9vVag2t/sZ5NSrwB85IyCNsZxYYE"
    "hHlSsPC7p5Pz5sPbkZX/pAWg/hEDk7bx6d2HXJXC6L/ope1ulpfzbUeCxfYONj+dWMo0Lz"
    "jgrGG3mnVrTkF1x1eZmU6uAicy8+yWsSogF1Qqg5pHv72gRvYDEfqdDKXrChQBdH8nGVgX"
    "xcPI6P0/DKu0+nxPFXJlrzcJ6kmY3j+6RyXTyQi6OZzuhNCHVxBJ9WGcGnxSP4NDOCpfbS"
    "MPeF1TtjodqZvS9g5xpYxiQMnGk4w1VzDpwlG5oxKbOdWXd3Pr6YrjrxxmWMp2glagaQZS"
    "G+l8vrYoi7Am8JmveX/1IjtNj9M3ECPqye9gnNGdK+4VkX8piYQV4f+ciqr7cVlhDrjHZs"
    "+gxksImiqUTjYgb6baBXi7vqa8KUkPFwS542zTlRUTx/hPU7M4B3xqynHNv6k0JMyjDr2i"
    "chYCNZYxRH9c0oTkPpuynokLm1hOFx+jwu2D2srMvW9Y0aiztqOzwHxOJBGwmYMas/ZiHg"
    "hENw7jxRtssUl+oC7k0c4wb/8VpHEBKC5kyNOdV0sD0QuVLpfgGWOYOz/YLb97TU0a0xkS"
    "7M8k1r17gXn+aQT4uaYX+IHu+PJc7uj5X83B+ru7h/4HOiIqvGorFaciWBhhYZU+XKqBy9"
    "lVc5dcE50pFDpx94mIMft6yOGA+Kso7xe7lDlShTSZc8sHl/BV/Y8NxSGB3W+FN22p+yZd"
    "PZLky2uns+Te/2dEIbxCE3RyNNcKcc/9WuB3eK9LNOrySETKfsvFP4eOw5tUxCKUmjD2rr"
    "A4eMCX2s0wcpSdMH9Q0TJhD1fgNRFxy0/9nmWPOc/QREOkXV399+vLi+RP+8u/zp6sNVMM"
    "uHph6/UK05o1D2d5fn12k7D0zGbKzlDhqX6YJtLRWntcIQflUcozU9gMfYE0Rv0RmTMEvO"
    "OBFcuDnnRYqDl4T1jX9FiwyLv9Ais2JQ0i8zKs5o5VD0DMmFmfzHAYufTccP79DwkThAw5"
    "Wlb+bJZ+yjOR7PKCNQz2PCc0hOwKqtmtIM7jCD/lPRNzYd5gYsBrNg5Jee4Y6aNOe4m7c7"
    "PlMqjQrz1yHgusbxQT64DksJ63eQZp9VoChnhRTlLGP44oKqB6quW+MiRr1mvDWcnKQHxV"
    "vVQfUuUOmmt6kDLawzL8REzNSwaWqQHC7vjENJYolp/vmGLmC7e+sGIy7ELdPa1VmLdBDi"
    "05MKEJ+eFEIMRemT25rGUWMT3dImGlvB6CGfFDRuQwfoNnRlkfmCu2AdLFjlp2r0y1b7dF"
    "0Xjp9XjmA9xrZNnCOBIKwbuO5AgEjljwSuPXNs5S3yq0ptXs8Xrqs1j93vNBbS88aW3tfu"
    "fUmeN+2gPSZYT6/A8EqnROSo0ffqeoHxNZJJZxZeub6rRLdhvPjt/vL8sJLDdDPYfHsUoy"
    "Q2bolWjIo3qUSoGLgbbVaGn8Cfde3ySoVKpsrQaPUWDb23Q+QJiGkM4YyJ/KXyL8q/8VuI"
    "zRzkCJTFWX25y4a3UKkBHlp6NS7TOeX66lWlNJOvStJMvtqoXNsem7T9lu22TEtsxJ+K5q"
    "SwrHxCglpViTlMApJnL1zPIRZazqhNEONo4fBHCmGG5Swi0Z3QKZTncXT9BraYW9qyc9Ox"
    "DTGXD7TzAsdlOmj22ktu4InD5/pIJ6UM1tWwFt7od5K3D1F2QDES6QTKTW/95A/sC8qws8"
    "pHvGBQd3hFGgEu8b64ujm/+y0f8cor2EDz1ljCJiXNGra+1zeu5fGNzXHcOtC3hKf/3c9D"
    "UMDUY6WlXD3IZlDZjh7Uh/RQkCMaQY5oSCvlp46ySD8yk8MZKOxysJ6LJXXHszzyvm1zW5"
    "kJ9AwEnTQN7DDXQzG7l+9AWYE7Udl5rbhU8we2nkdN7+Volgmtnzf0dx5anzB48bxcsZzb"
    "BLOCPaa1VJqFSrF9wRxOOQ2T0Nvb68TovrhK0/qPv15cStwV7OtjKjmhFakj3AHoC33qk5"
    "E1rh21yWe9HjDY7wL7KWRsrBHZlZmcCQdM/H8lQsiSAuIfKy0l/nO/XkXify8ZuANxb8DG"
    "rizufIIwEirrKUR3ghMpxHqHhKTossqITHiQrlVNtmEuw+waYKctG8t+2yz7xgrauBXUGP"
    "mbM/Ibi/PmGWPXFmebsgetyC+RQDuivsD9OhP1xTiwfctE1MX5FFRe30A+gxobiefPslQg"
    "POKeKzkfFYjCoJJDACq8RdQVyqFM0UFInuCzRzlgfbY45otVlnPuqlHj992Wwz3FBLQgWk"
    "wx/SwKFnOYHKgJ8tmS6eiOTDyB7YJ1cay0dGpy/HqVfWnhXEhwJCSMBkuYw2077gnL5I9w"
    "q8sFL1ngAIQJJNeycrrJc6XdWbtVItImc5qvkyFAKFoITRtz1DShaRtZN5vc9M3lptdPGb"
    "JlupB2Y7z7M81t9w1vi0aumlTInGPbFZTmKPg3tF79QJhVwA7DolJqGOWY3MwLbxnxzzch"
    "lyPOSEjZ3vq+TJ474k+Ra5NDxtyBvAN+DjUVPwyuQ1AH4vjEzsUPRORSxf3eKoc9fu75RH"
    "S+nlMk6VyobOBfU9QyEccsyU4sT+1CgkBJRDOF+cDyV2Th99brZyOa+c0lo5nBlx67fyzx"
    "UaW7ziRqAPKGO8vZwvUE+h90BGJS4Chz5yA5XrW7qrpi0139aun3/dzznyZO3pOwGwrfFI"
    "VvO+s5BHTjzlWpOaci80mLmfCpLVhktgzJBtaYkYbUADou0z2Y95KwIxUeRgftHNGdgN4i"
    "a/teIAfvG1vCoYN1XKaDFpS9zCBg2tWcqWMiBuWK83Tz/kotm6WbdleCbEna6ZVa5M7RqS"
    "Q+z3IQv2UfQANuY9iywAigg3JMxIBc7QB+ZAmpTrhDiS6qy+Mq2vK4WFkeP/u+WavH8F7I"
    "dWAkzUBcukexFjLnO+oerWm5X+M30AMxa71eDyQFTQ/U7gHY/6jTAQk5MwXVhV+A0brGyc"
    "pIykBfF3qL2PSR1IpqkxY1nVC3EyDBVq10snE5A39tBgRZzWoxoISg6YC6HRBGsNRZYMVl"
    "urfE2r1nYoiXpmE9JdY9pPeymA1OamsZe+My7bD3dur4XuCYlJ3gC9wp1vW/dT+Ktvg0um"
    "RR5NMYFPVLfRplperpU8lkQuRHxydoOHafXoDw0HcaXGIh+5USS7kaUqEOrASB3JTDCLbR"
    "iuS4L+6s1WqeinlOilrucBd0WpgCMVcb5DCe4ANorS9ck3ynJF3L83t8tc0OtL3L13OeO/"
    "2WGU7hnFFCcA7aVrmzzKmYiWUeRSl2yFhLdIGYN+2PQRyHa8EdCRi09dGmYsAf84Z3aczI"
    "mFSDMSOfSbFtFzOyLTzdW4TnPoroerJGOWtf161O3gMPEp9Zzz3hKjY9IirqGrH8UMvLWU"
    "68DF3hLeJiPINnTMu4974cY4qJtjn/vGcrozll2rTtXE5OWkFfwvqGwuhTmGeKnHk4qLff"
    "injvOUW0JCwq5SOurKRxMhqqq5haDK2tNX7crQV2lCUwZuHrI+74iZdhoeEzEAgYaxUeh9"
    "5x+9Usi8ybj+CMrzEutkchGONio8bF4BPI4TpFajcS6BLX2Znpa2HjVR0PjIRcl5Bt2gXG"
    "5E3pZc8R7DxvCvfcMZ9rHSCNiXQR4p0f1Yi2easuiCKBTsBrbOhdQ7slC6dzz6JuwcopKu"
    "uXLZ0w1Kq2dPoEKxO5pglT4aHxDLNpXlbs0po7zpln4gPVjA9krIJN87nljOuQjKB6JzRg"
    "E4eax/kpHkt2biKJDmJ8WgXi02KET6vHpig50dyxXDrpnZpqWzVlezUZlP0EU1mQi32U1x"
    "JbeSgfDovbiysynrh5tqMS1/BQwKCuh3pLuPM/CpNX/6NC4mq8oBCmq7r7w/k/r5AUeIs4"
    "s1dqL8CiUyJccCt+IHmp6aoKGULdDkKt/tdQjmH9DmrGvcTGWjhkQp90EF5LdBDjswoInx"
    "Xie5YJ9aEmliy679X1fHzXMrtKJ3dIU0Jecjgx5guidcJsLWHOl+2c1HGHTinT6o+YiOmQ"
    "nXeIiWvz3EYo8rSgsoP0eyApaM7V1+0AGwt34Ik6H0Fa1HRC3U5wyCOvFV0iKWg6QKcDWr"
    "Lwvw12pQpW//HifpkJINzdqmgD+MDnBPKjLGcczfEKCTpl6jAxV95/FhazEZcvlzUEaEka"
    "a0A7rAHacWx3nPy8m6dIYtYALMSSy7kg30Gq2NchI2h8HvQ9TBxua9m6wvodtMP8WM3UVW"
    "LpyuQrNIuk5w7ARwXgUSf+XlLSEMQDJIgfyg/KVj0kq3dAVrE6Yv0ged3I4UtBnGDXR1E8"
    "f9eHT9Qe0JjzB0pKNo62a2sLBmmMyPWNyMVUMlxoaB0VSQmZXG5Gv7ZHvwpCWJ3YwpGUwd"
    "6Yvg6pA9rCbCQvuGLXlD0UkZtEhXJ+I6sOKBvYsnJlksMZ+cGlc4JAKojmofL9ckeRFgF2"
    "rZjneB65qdWGITUtIzUN28faNvPs30BmTDTGRNMxLdqWfWzTA3Cl3h622b4+bAr5C3bHM+"
    "LeeUX2sWSFUgo586sOHK+qmex+RlBwAySlfPYH8QZEMtrKO0RdNMMQsRnB8yGPudSORKHE"
    "lZyR5cZw2cdNvrAvbLjwxIxYQ7C2gSXODz8RhoNRUWPUragfeRq8PdCSQwMT7vgh7oYqHP"
    "UQzfhSyrmqbaj8BT45x1WRqsnyHVrOqE0Q9huVt4NwjRZ8OP4NBLJgQxlPMVBlFw3VX/Kz"
    "HMIvFYwGOzaVFHZb8tzGQCeHRKUr7DTLIaqZP2ItsS+yl0G012uE6Z2eVDn1dlJ86u0ks8"
    "+svtk8JVe0vxwJNMctXu5Xu+0sooyavTSwjOobKDNxqYMZW5N+xcUM9z1gAvYJF0Z+SNWo"
    "RMGWsnJlKx5URpKh4ARNUtkyuG2BXxoY5CQ1ASIiOYpD/JBQfWArknxg8SCZiiQ16HcI5S"
    "t4nplvPzfJDaa31ocmil7bvrpDYz7PeeR/5+THRNTbrdIWRN7A0snPEZMwiOYhStk4x8xd"
    "vo8cynQJ0YaNf2BY0CHyQfUuIb7VGG4JmfzEnQdSdBJiXVhKIZeqWmXyuHD4GFI5QH41KY"
    "k4kxQPVPwIC+LbpwR5lOPBVocdPEFeoGHg+qFMZ6PAjy0QORJobPPxQx6H3Nu9lDlPBXAm"
    "KzFE2IHWeNhmYBaEUJy+6Y7g8QwtqTtTrcF12RL4n5sjGy0ypMkO1IpuFNbvIJXcS3qyRe"
    "5oLbSjVV0rHQK4O2Y9spso09rdX0t0crRWGqwlYzU9VKVOEJrR5GIiHYR491lpQu2Zxbg4"
    "OENcph3RGeC2nYnOEOwh1vDMTQh2aco2jtGdxr4ly7Bz4tDxrJcXxdkv6ZfGolvX2bT+Ku"
    "6CXS9CvhEL+JaUrngxYhhImuS9fl2F5b1+XUzzoCy1iyo/Kg2Eg+odRHcvEfvkHV3CcrRZ"
    "McOLiTRP8J7HWtGNwKp//j9f+6Pk"
)
