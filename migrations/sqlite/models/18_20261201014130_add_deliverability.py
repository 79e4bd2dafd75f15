from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "opt_ins" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "contact_id" BLOB NOT NULL,
    "list_id" VARCHAR(100) NOT NULL,
    "requested_at" BIGINT NOT NULL,
    "source" VARCHAR(40) NOT NULL,
    "send_id" BLOB,
    CONSTRAINT "uid_opt_ins_contact_613ace" UNIQUE ("contact_id", "list_id")
) /* A subscription to a list with double opt-in that the contact has not confirmed yet. */;
CREATE INDEX IF NOT EXISTS "idx_opt_ins_request_9d4a79" ON "opt_ins" ("requested_at");
        CREATE TABLE IF NOT EXISTS "dkim_keys" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "domain" VARCHAR(253) NOT NULL,
    "selector" VARCHAR(63) NOT NULL,
    "algorithm" VARCHAR(20) NOT NULL,
    "private_key" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "activated_at" BIGINT,
    "retired_at" BIGINT,
    CONSTRAINT "uid_dkim_keys_domain_834944" UNIQUE ("domain", "selector")
) /* A key that signs mail of a domain; the key signs from `activated_at` until `retired_at`. */;
        CREATE TABLE IF NOT EXISTS "feedback" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "provider" VARCHAR(40) NOT NULL,
    "event_key" VARCHAR(200) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "send_id" BLOB,
    "provider_id" VARCHAR(200),
    "email" VARCHAR(320),
    "code" VARCHAR(20),
    "reply" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "received_at" BIGINT NOT NULL,
    "applied_at" BIGINT,
    CONSTRAINT "uid_feedback_provide_5b199c" UNIQUE ("provider", "event_key")
) /* A report of a provider, or of a mail server, about a mail that it accepted. */;
CREATE INDEX IF NOT EXISTS "idx_feedback_send_id_af3683" ON "feedback" ("send_id");
CREATE INDEX IF NOT EXISTS "idx_feedback_receive_502c31" ON "feedback" ("received_at");
CREATE INDEX IF NOT EXISTS "feedback_unmatched" ON "feedback" ("provider_id") WHERE applied_at IS NULL;
        CREATE TABLE IF NOT EXISTS "link_totals" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "template" VARCHAR(100) NOT NULL,
    "url_digest" BLOB NOT NULL,
    "url" TEXT NOT NULL,
    "human" BIGINT NOT NULL,
    "machine" BIGINT NOT NULL,
    CONSTRAINT "uid_link_totals_templat_e56ff8" UNIQUE ("template", "url_digest")
) /* The clicks on a link of a template, by people and by machines. */;
        CREATE TABLE IF NOT EXISTS "sending_stops" (
    "id" BLOB NOT NULL PRIMARY KEY,
    "scope" VARCHAR(16) NOT NULL,
    "name" VARCHAR(320) NOT NULL,
    "reason" TEXT NOT NULL,
    "since" BIGINT NOT NULL,
    "ended_at" BIGINT,
    "ended_by" VARCHAR(320),
    "note" TEXT
) /* A provider or a sender for which no mail leaves until an operator ends the stop. */;
CREATE INDEX IF NOT EXISTS "sending_stops_active" ON "sending_stops" ("since") WHERE ended_at IS NULL;
        CREATE TABLE IF NOT EXISTS "soft_bounces" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "address" VARCHAR(320) NOT NULL,
    "day" INT NOT NULL,
    CONSTRAINT "uid_soft_bounce_address_d5279a" UNIQUE ("address", "day")
) /* A day, in days since 1970, on which mail to an address bounced softly. */;
CREATE INDEX IF NOT EXISTS "idx_soft_bounce_day_f52148" ON "soft_bounces" ("day");
        ALTER TABLE "consents" ADD "until" BIGINT;
        CREATE INDEX IF NOT EXISTS "sends_provider_ids" ON "sends" ("provider_id") WHERE provider_id IS NOT NULL AND provider NOT IN ('smtp', 'inbox');"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "sends_provider_ids";
        ALTER TABLE "consents" DROP COLUMN "until";
        DROP TABLE IF EXISTS "opt_ins";
        DROP TABLE IF EXISTS "feedback";
        DROP TABLE IF EXISTS "link_totals";
        DROP TABLE IF EXISTS "dkim_keys";
        DROP TABLE IF EXISTS "soft_bounces";
        DROP TABLE IF EXISTS "sending_stops";"""


MODELS_STATE = (
    "eJztfWt32ziS6F/B8Ren71H75uE4mWR3zrHTnm3vppO5edzeOe05IiVCFscUqCFIO5re/u"
    "9bhQcJSiRF0JIsMfiQE4tAAWABLNS7fj+axQGN+Mm7OGMpTT7F90dvyO9HzJ9R+KOidUCO"
    "/Pm8aMMHqT+KRPex7Cce+iOeJv44hecTP+IUHgWUj5NwnoYxw97nRPV/Q3xy42c3lMSMBP"
    "6CPB0QGJqSdAr/4tSPSDyBPtj0JBRdOOEhG1Py7E+vnv5wgvMF8RgmDNnN5ofOWPjPjA7T"
    "+IYCWAIT/PabRBHO6y+O/v53+CNkAf1GObb+fjQJaRSIv2VH7EC/zRPKOby9aMBHGs9iiU"
    "P8JRG6mIvHRwIK0Ig/yK8/X366FCv9d/L06A+En98OxUylTQsDhBPPh3qki/DmiqV/EX1x"
    "0aPhOI6yGSv6zxfpNGY5QMhSfHpDGU38lOIMaZLhLrIsitSG642VCCq6SFQYMAGd+FmEZw"
    "Gh5QKKZ0fD4YePX4afL78Mh0cr50RDGPurHo0Bk4AcWCoXCLjBJfz4p+fPX7x49fzpi7PX"
    "L09fvXr5+ulr6CvWu9r06g+5mAJbciiBs6v/uPrwBRcUw0GWJxwf/CFg/NQfFrtcYF+fiz"
    "L+3039pBr7uv8S/uHFlvGvsd20AfpBsQPFx7eLLZj534YRZTfpFH4+f/q0Ab3///zTu5/P"
    "Pz2BXj+UkfxBNT2XbYjvAr/4va2gt/Zsq97rD/emkPt0u4f7+bPTV6evX5yd5mc6f9J0lP"
    "WxLdB450dZxTltohM5SG+wuQNSgVR6cmtQCnww8se3934SDFda4udxXd/Vptnz2fITn/k3"
    "Apf43rhgdYP/QlO/5nLXTY03+ww6tb3VcfyAiNOCl2s6DTkJAf0+nAXsNSA8G0+JD09T+B"
    "eQOBHXcUJ9Dre0uI85ZQGZxlFAnngTCtexV3nLb3Oqilt/6ZqvvYFvaQWNqr8CVPfN3ACP"
    "ewWX6P/ZaQvyf3ZaS/2xqfmyraFiX4BpsqNhh3ndNqD3y+V/C3o04/yfkYnWJ7+c/7fA+G"
    "yhWt5//PAfuruxDe/ef7zYHwL2Dt6csrRWQMlb1wgoop+FgMJS6HLMyXgahyAU+KM4S4Fo"
    "RCFP3wpSgn8R7/94BKgOCziZAImhdzRZiJZq0eShg16za+bxOEuAWBGOIsv9NCYzP5ByjR"
    "x2QACUeEjehmHgESCN2DjzwwhoJECEQBlFd7keCR+mJ+TLlF4ztTaK0/uwGBCnwsgrCKpP"
    "5n7GBdl98VTITQOkrkhIi/XCLJTBJDAATI9bWi9QqWUMpTiC74l/LotWTurZS6mnvHlLzH"
    "lQvQNlmKWdyLIwOPn69eqnfpHlCySq+LYxT28S0XAk3rLMnevTb8FEGCC9uNvKrMSzVqLk"
    "swZR8tmqKMmzES5tRKtIRxxH1GfVuC4DLqF7BJAHiO+mQ/vx4/sSL3FxtcwsfP3l4hLwL7"
    "APncK0RDcMOjH1GdzvQz+tEuLxtqsh12XA3UmgPaHcxqEXbIMNZSkgekhYTtvQldN6snK6"
    "SlUkw9X+HjQAHnAJKp5jX7D88DtQMJyWVCKH6UQg9gyF352S6p1kCOtlPN06WCPjYT9bGa"
    "9BUpPyFv2W0oT5kSlMgQCUCLXSRPw0VU8g3s2TOMjGqRLEfBazxSzOuBhAdBeA/jUbJfE9"
    "jPSWUB+EKyUpoYQWoUCGDzJ2y+J7dkI8EKtYOuT0n/kiPPFDLaEQLiMfZEjRG9bvJfQuRN"
    "OTJy1jXAmKeKlyhL1HGS3NEsZJQMchSIKjRSHsYWc/CNB8JV5GzSRkaRx9RhO8nOHkxvmy"
    "tFgppL+EziN/TAOpoosZ4gpESAEn8SNeOUZx8D7kFF808bm48L1rBjCcplqaNN9yThMew6"
    "4QFE3IPaxVwrVU4f12hGgCdFKGrMXfkQAZtrtJmBitAyE1rjHl6eM3HC2GBfg6q56BQHL1"
    "mXz4+v49Of/wE8mRoJ8e/bG0RANy3dJUV/MDsVnTxy9qBVYyeN2tt3mp71HF8K73Xb1Ibd"
    "AbG25tCawTy7ZvF+H2rYoU1WJWaNYA/UPwi+dtEAy9ahEs2soINm8/Gzwvw/UP3Vs5z8B6"
    "wM2YhtKfpIzs//z88UM1sstQS6gOQrjM/0cooLcl9R392yRjY0QnGWVhlAI/dYLT/vlo91"
    "QbsdRsQFm2lSyReBzgYpnMaObNTlddAnPW926KD80B26HehHpEzD89NGyvcM4WUvwKrFP3"
    "dd6Hknhjtw3LoG4XOu/COKGIog5q7xKg24HOO5DNg247UAZ0O9B5B0xFxeoW1GgJloCcft"
    "zgJbVqyPJAl+CcnvwA9eSXYgfPpT62Rlu+0mfQpDPXZ0J2py1151+mlHA/gnNCpj6fCmU2"
    "y/XE8pccWStsB8rtaJbxlLA4JSPpkAQ9/BvY0FUl/JbmeIBzJy5j9ZP7KbyhvOaL0xDLjg"
    "KLVGK6z4rOi799uTxfp+l8NEr2/d7Me0TKsoQ2EDHVupZ8ZYkN2VIQ0gNcEY63xJuELORT"
    "aXXK7XDCqAyUZMnWBM0RnVTYDbcw/npyVbIJJRR6c8W1rjEKadwNk4wxfINBs1XIeIXCJl"
    "VLLPfLL/CQCGcLC1Fpm+1I5zKoo54P0HTlH4S1nqsE6XjxA7zArgIK5Dtd1NxgZnPjFRbK"
    "jmHbS+ycEQWyKF0yb4iXvfG0Y8qAeBR+CWMleud7PvzKTWrQocLrZYMDP4DL1muo0NYD2/"
    "wxCWhCaz0LCtDexVS9eNHKOPuiwTir2szLxoQj7z6+f3/+5ZJcH727Pjpwv//9v+D3hI79"
    "goq22ghR1dZIwYSqrrXXneiNBAZ9wbSrmHA1AiqCxKLKH289UCkyKlRxUUKHiH5jszfKf8"
    "4b6EhQfFXtO4fGbz+FBtV2SxcnGPgUxGosYHl9mCBjciGM0oCTJ14QAxlk/1c8HCZ0HCfB"
    "yXzh/fAWnfdA+F9i7GG2EaxWvwBXczCqpIJrZrj/iZAtMZuIrHo4WW3/nTr+ew3xA7npLr"
    "yLEztv7zLQ907+qiwEFtgsgThcGv5WtsKIkwMfKAe6wJrtexHCLW+XXEf13x1+j452gt2t"
    "OA0iF7KK3Xp3Qd3fOQriyBt1FMwZQksqXoJzCqXO3iISjSOrNC4loP75KW+MoO+JxPtxnl"
    "6xGok3bxs0SbzxPB0C5Wkr8qqocfGEoMwq03zchyALBnEGg4IEmv4YqoQZZgwVCpFoyobf"
    "kzDBnEcLWhmxtvE5qlON+PwW2jHLR5jW5BmRqkExC/SWKUHUdDi8iJFzyUAOmFoerlLwwB"
    "y9XDKQXSQDOQBjal8piZOhXXKKA6DJe8K3fs7m2pmnhntd6tHIw/Kib3vLs3a/FNzdqp9l"
    "pVF5HYxgNJVblEjOHRaGGWORJzUZ7cSwY8xIFwieFLhNZUWhDH2rsNM1C+DIEg+1QoVFJx"
    "+C0wRT1nEfzdsA77PcInTMVcrQh9pfFBZsKJwB0j9r9uaUhE1uUrhzNigvINyl0uJScbaG"
    "XfNJ1Xrw+rS3D9KDH87lvbGkt45l6hXLdHlXnzo4b2tkk4TXSHsGSXQvuc9V8kQV3QQbVC"
    "hDCi/xieRIJAjq82TOYA2nskCxbDaiidLAiTUvuctgtiZM8CQYPk9oB/kgV875jN8DC5TG"
    "ku2Cg0yTgRyMJXEUzahMHaXYJrkYIPQJHOMB5gqmwTVDdSAwWoK/E21vYZ1JfI8r8RI6yT"
    "jgzRP6RlzYP0CCY3SxPGppBHy93KnnmhWLe0M8fx56A+KpYfDPBN5vHko3Hy/w+XQUwxHy"
    "hJ/iOAo9GE3kARfIxWiiGabEwuXNYEGLgXwFb5wlCWXjhSeSx6fThNIfI5qmgKAxnJC30o"
    "vHT6jBaRYrIzf+HUXOU44OcwruFPdU5LMqIxW1qtzARRLe3KCHY4EQpWYN6DydyvRhcq9x"
    "2QpM7gygJ4dG/CrXKGC1YZdpMeDJckoytSiVjEzHVonNEHsz9XFHrplWGIsXDlORdIsDk2"
    "yRdKus7cPEFtClqKkjs2yVQhpKeWDWhTSIgz9UH4nOdyW+54bAhmJNLeIanB/VBv2oHlVf"
    "3It7tsyvWGaX2Xlemf6x467mk8tm9f05qeR8pM2ulIDcpmx8U+Kx4Fs7mLGWIN190Pk+AA"
    "GEhnfdTIklSLcHzpS4r1rfmtpbf4li37L41gRBesWq//Tx68X7S/LXT5fvrj5fKSqvVY+y"
    "UQi+eaWMT5fn75dzhin1g80RNmH6oOtdsha1sRXVW4qWD7DWx1gInQaEEzlNRnCeVuTEqa"
    "/Kqvv3JpfpxuqyujzJW5cs98QocRXQ2TxOkVzXJw8wewzW5A/QfYe3dGGVRUADYsCrtEYo"
    "j7aBdBwulPKykl+q1L15KYhAJL9CUNSUj+JgUZdXYFtTtVI6l3JpypzK2qnYlXHdiUqnIQ"
    "eY3o7Wl7EJ4fyFzdtYfCKriGxKUVfAbCpJ3WGhsUhT55L2urw+cPd+knbqmpvZaG28lbW1"
    "u91t/Ot0UZhctf1b2ogLS78snFQymqO+lLIixEaad1du4M0OLxwVpKOctKMLo3heMcrzI2"
    "gMFkPoi6ZoT1fBSr0V906FpdYXuVqdov2Fs560DJesy/WXu7PgbtCCW96RtgxTGaqHSrct"
    "Bao4d9atKjZd+Npm85Q7zt4ldXEcqDUHei58MWsY0KKxkf+U/pytI9QjHxONwfmDnTMYQR"
    "+2YxzPhL8dDd4Knk01IO8m/E1j1NWMFkIrI4XJqvD0zU9QGT1e+FUqKqLEWxc/vjcfWRM3"
    "ubJ9La+NZTB3dzit0Ma1QqhyriIOzE8W1VjUEN8PDnOHJuCyL64+nH/6W3UAThPO9+QWvs"
    "yJSl38SKlD421sxFC0u5E/ltKcmtESq5drQ1+hqpE5SFeqc/upEYUwULUIsIMowicqgpN5"
    "BnduqDKtGnfzCfHu/TAtYjLwlxHHUUQ3wKQhUxog7DSULIAnI3BF3AhMcEKwdAKj31I5Eh"
    "68MIB1XzMVy+JPMPrC4yEbU1EDfaB/oF5J5qERP2WWV1ggZk2lSf7a93FyiwEuoiZ5xvC1"
    "cO3wOgMZz8ABMgG2Q3bkhE99FTSB19XIx20S80woUzlmBbbgF2wEsCm3lL0hYvG6zPo188"
    "f/zEIe4rbKbK+60E4wxGARXirKjrHIKsYGeDdK+G04nwN+RlS4Hyzl7JEhGWo8GHtGRTmH"
    "YOjDqDITNpx0OfJNDC+mDWmIGAwhqtoutZpJnIiXxcDsZKZCdkSYEPzKDXRFZ4zSyWYzII"
    "SeLviuYrlFXfnileDLoFjRB4NVPGT84F1kUYwu1S7KsndZqQRvkwiD6LqYEczcFYV3cHJy"
    "NIhvVxHrrx+u/t9X4bOzHDYC0ldKydUH8uQYFgEjHA/IMR5fOA74Z5CEcGgD/HPuw5kKjn"
    "/AGu4Ny14Ofbn3b2mbQh4F+4MQa8u7q2HN0u6i5HzjC/2wUn++jG/7tYqzsaO1CkJjtzxF"
    "6tauUA+9skTzeBeBRYMVzIlXKbTYjTgGAqqMzS2CocxjEaYtUC1HN19kzaZbLSKhcGWtP5"
    "1+mtLZPCV/Jk+77LQk+xbLkgBrlyW7lXHjTAybk1f2NEjsAHnwNeKgs9jszmJTMCEWqC4B"
    "ufzFbcLE8iu0tce/BujjSX7e5iA/rz/Hz5fRq8LKh/YGnSpIR41LJseADqsLizY4+5tAfT"
    "zBZ21O8Fn9CT5bOcFwe1VZ0GrUn7q781Jf8VKX3LkFLg0Ih85ldGqpuQKdDcZdA8pleu8a"
    "JmgK020Jrwnj4ixasWaIslUU1ycs0/37gN4GbG4lYZmhYLdFuQHmMN8hVZy2S1QZCBsSsJ"
    "hgvbkddx3vrcxAlpeoCeZQ/xDUC+GuvUy4BOTCacsZJytyqjQkcFL9e3OAN8ZZr5haLdBa"
    "CfuIKH66P2hFS7I9rTWgnMDSldgaBn4bmWUJrA/c3ba1RejlYMNA6/59wO2uOWfhTWNBm/"
    "P+7spbJhDS0cvm4BYQ7ujaH13latCa8S36O57XsJEmSVyBxPpDmwO4M2t/ZjFDvX0cYRmq"
    "D3jfgeZTxT/bc8tlQBfD1ZljzuZBtzwOZUC3A513IPe7tP0Cgodhf9+ozeNo56RLts3dao"
    "D0gcrv+nY1XX4tj/wyqDv2Bxi5+5/SS7ImYMhoHTRFC+miHqJXi+BdnbPF57ooR+TzlHCK"
    "VTqYChsJaFVYbltQEUhEGa4wUAX0RIRGXicPAGlahAjBkCq/jPLE5aJODWVDo9CfmEqkg8"
    "FwkPtpiAlkdDG+KPYDVQVFRzMR70aWuC+XChT2BCLBzQVg/ZwYxmE3MFzIZKCSrN8Spnl1"
    "HYCL6DIcvhp9aMU/OwfbTTrW7lEKuQ261dZ7iMM7hEwEWa1ivCkfvQm1+4T0j3PvbSX1vP"
    "Ni3IleWhHgVSRfxHFEfVbHTOdQy4HIALYtNGuSs2Od08eP70un++JqmW37+svFJeBdoL1I"
    "w73KPYsw2KG6syyZuRVYJ0J2l2I67YDD/SZwr/gtS9wbUE6KOUAp5nNK53UFxlVTo/zCoV"
    "NL4QXD/pWDOJdZob1x+u0ER/BUnDkX2SqVMKJzAy0oVjEM+TC+wxh/9NEQ+YFUjOmqqLPN"
    "idplIhKh6A+RHVwaos2SOZeGaKd2vsfMqf7YN8j2jU2atlVd1c2BOTt2bts+8dhgRQ7MoW"
    "ejPi8gnPa8g23aeQLsENuKp7FUJhhQO1QmPNLF9jBlwp5w81+Aka3h5nVTIzefp+lpl7VM"
    "5A1TFcRzfuiN4JnnfpLqzO959k+dWh4/ZcmI50nBVpj4LYzfjneXBdcd++7Y9++WfVefQH"
    "v2sgBwzGWVs27kL7r4CZTg+oTZHas2nclqJyarOEvH8cwqN48B0kcUbzw7T65ube3kpQF6"
    "gV4npfYN23siOJ2nqT+eNiSALncYNJZjyLu29uqaSL8kaZmQ8OgPFROfBGFCxyDIYMLgt8"
    "QDzk24sQi3KCEIYQLeAZkk8Yw8rXL72ujYG3aRcnkyO+bJxEhlK4HHANiuqHMIeDU4c3Xk"
    "LWQdE6RPPPnGpB0kOOJvCz7QhOkFp7JkBnr5so0Z6OXLejMQtq1WMBO5tRFRFrhehnP4bo"
    "dvHv7LJnhZd3c0olIiF2ewSnNaX2LFAHJVVpZZ7J7UO+6nBntPpJyLKB7f0uAXYPdrxJyl"
    "HoMmOWck+w5FKZN2ks6vKIagNQdhCEgXtyLsAx6OfYYeWSOsjBLQN8KOI6sBCAcuZF/JfZ"
    "hO84aME0+twKuqgrydiURszB1NRKEBjyD2ZHSKfqZtUuhuEeGoYtKpf0cBJ8DkBAM5Op+L"
    "uikjmt5j/A2AzGBwb4LhMx7R1Wju/CijvKjeko869YOHymP7IkL0TDLTW2TDkZkwPeTGtp"
    "JuX39wNng2YXqI5604m2kqb80vlAEdv9DVeCWuhFXc18e65QC7D3M7+rdJxsaIVzLKwigN"
    "GT/Baf98tHv6vbHgtz1h3n4SytoG3q3coZF1k4pfe86tpDEWheJGFIv3STf5+B496j1Z7O"
    "4NuZ/GBCamBHgT1CfLknrYM75nRAlzdazbFmYSvBunIMekRpU7xWIptm2exHOux0Y93x31"
    "jHKJxWoiOlHT8BgfiBJ3Yh7sH1HOVeDxLZ1jVIEssqqCmf3cdSmh8HFxGCmNSUBTfGPBd8"
    "LOYl2/2TyGIccLGGVxzQTj6AP3isHYCtJxgXvJBbo6vPZordJW4Gmzc8suIJwJ1t7gjQU9"
    "F0BIbPgNE2Y/WA6c76BZjpLCbmyzGbK324aNb8PIbh9GbiO2tBFT6usanm03wwDZjw05eJ"
    "molS2ngUrVWnLsNuRwbuutYD6XUWxwXwLaj8+hV/RJSZh2W5KDuM+hO+ZvKZ3zYb1puSnW"
    "bQXWpc9pnz6H34YSedwe8SuwO0R8/uRgMb/ka9rSNWUJymXXX3FPcU4S362TxCW7gYYGV/"
    "Byh0GTnn0atvYBZ5hek2EIq0/GUTi+rfDlXu0jdNolv21UH8twPK1jjkJ2q524pcray5LI"
    "kw4FfnJDU+n6IEck6N6AbAeOBoNPM8CUNyDeDEhGyKgH0w+UStyb4v6Kv7FHxrD4jAdDAH"
    "5YkblzHPk817B/5TT58RzbxVpgBkbT+zi5VQtKgDvEj4Ooxxru6q9EFWpqqfL+/ajY8KNi"
    "oUfYjX6b40jCFqwgc/EStmw4Vd+2/nKPBAxsIf4gv/58+emSFEOSq88EPjXy4ev790d/OA"
    "d4u8vQOcDvHq8GzwwLX0ViQ6oe1b+H7hOvWzhPvK51nXi97DhxMKEFh8KUwaVlYwhS3Z0V"
    "yN4KpDgAG7pggDjSsI40CPbIBrs5QA9xe9rGae203mftdMVlTXGONgg2QHqI4rPTFig+O6"
    "1FMTYt6x0sBWOXw6KDRFw2e+USjB3my4AuSe8BqiSu2Cj+VqONyNsGTYqIEHu11EQQ4eQ2"
    "9ucplpJVRTNYjL5xd2GA9TU4+tRNwhtsrwo5tx/AUpzXY6OebY08L94czn9C/bUiPfaBIY"
    "U83yzL74v42TOpPo2HwsXS5uo2YXp4d7943oY/gl61t7doW/IpT+KZPabLUA7X7XDNs9E/"
    "aJUw1VSZLQfpBZZ3Lb9WH+ym0OKaQ91jz9uNxxUbV7Idg7oE6YxmXUUExb5Yot+AcsLBAQ"
    "oHvwDjCy014oHR2iggzGQ/i1IeiXC0B/5ecPt58PSAYHVL5MZp8JbwNMYuIzqJVUizKJek"
    "y3NU1+7Y2MguLmbfGHzHDO2cGXK8/u54fcd47p7xRPcWK2/bHMA5PzcTmy6xAM5x7rtlRD"
    "8DB1RXSk41NbKgIpq7Hf+JxSFkLHYak5hRXXl6oEu6iTQ+EQ1uaHJCvGkcBVjRTfmjoaWP"
    "Jjozj6zyRrDSSXUVim1MJPz21FjANeYQCR2H81A7xxEPPoIRnfrRZBhPPFWiWwBhzDunRl"
    "kMsRIZ/B5OxJTXDAbl8YziujE8HhaolaX5hMqnTq4Ra4Jngrv21PO8H46RmpH510ziRaRA"
    "GqiS3BgKKvIaGSs9xnLguv6UJ8irmlqX6EtjgR0DOV6chDdwa0YmbtQ+yFxI8AyXBBMC3c"
    "AZdA4d0R3HXZCJcJQsJRLAEPprptz8UbRQSQIs6oNgRu1hVYG/koVCFRhXMEFGW5gqxA4O"
    "oe86O4Ucrux2iFTYmD+bB5qetpoVNwDP/JqZVUKsfyfHCAYAxyszy2+g5ayiL183q+zW+L"
    "7mh9JubjgdQ5FKYe305tjNiyhObbs1QKty7Gicvxi2cXptX2s9vQGwFglGX3MR5PzDT4Vh"
    "D59efSBPjvksnR8PyLGwvh3/gEv97UgeHhxcLnD5K9FPzXRY+Mx51HZitC1F8+I2ao/UMo"
    "zzq92rukR7pph9OE7L1KKtJqMM1Qd30B1k18uZHAtEmzD9Q/NWkusZKZ5ssV0BuhGkP25N"
    "ue2j3OXn3A0FQTnPklIbIA7LLen07u0pe0ald21OERkCbdTNOcB+qJt7lXrmUfwF9+wD2I"
    "FZSykDbbBsgDgkt/MTzLUj7RluDdHH63LjtRMT6vOqcMx6BBcQ/TvDW2GulZ57BcWNpr8C"
    "yPmfdXX923O763ewA4bBxW4HyoBuB7pHyPnwth02oATnSFBX9KMlyx75BpRDfVfUBzQK72"
    "gn5/tlULcJXTcBUzN12YESnEN/Zw4Is1d14oBKgG4Dum6AdgKwEbBMmP6JWJvPbGF6eHRA"
    "c29toFsRZrV/mo2y14TZD31vr9yLlW/ZKoGvcaco+js/CoNTMX3lWuNyGcph1MCo4fjXHq"
    "FloO8dn3vixX6eBWFd5te8bdDkx+5jL9GlTdZXkH+ThU5yKkBJFN+cEO9+Ghfe13Pc/jg5"
    "5tphe0B8LAoGD+YJnYTfMCmsB6xsRS3cbU2yPrryt9zY7Hw4d+LD6dJy7VrqgQ/IhhNX3X"
    "tor9uO4XlcnUG1we6cQ/QQx2dtUHxWj+Gz9v5DDVbnnsVjL8vs7YT2Jql9tYaySFJgI0cW"
    "EK4gTHdx0Z+kVdJig/iuARzWD7JG8n/RRQ3rrlqaGfd5iK7U7Ss2nP/1CvnjtyRm0ULw0L"
    "KGq+a0Je+c0m+iErDMWFLJn3caSNZ+EIx5zsMDq5fkUNh/QEYLFZw5p/E8EiGm8Q0L/0X1"
    "yCAGSFGUe8RXuVTu6eiaqacy5HLmLzA21ACi3+YhHIOhLys94FaokEtol0BBTKEhTons+9"
    "CkLE5W2KCsIP63uPd1/x5e+ltxzZZfpp2aXkP0EMcbTqG+HwW2D4kkVJbXHsdzaleqMIdw"
    "5o2N86vqwrXZDwPEbcjGN8S5VT62fq1gMi13oAzo3Dq6bkDk83SISWHst2AZ1G1C101I6F"
    "3cybmpDOg2wGYD9kSn8VGZ5WoUG2bzoEm7oc17LdUbn1XiqPtpLGR/Ht4wkfQqlvoJn09H"
    "MbzcW+LNfc7vY3jPKTwsdAGYaynOMGOU7rCq+9jaLE7LsB9aBuvwzA3nHN2jdAZbsZCVvo"
    "pVPNeHga8A9sErcNfB4EkcWenQdP8e6neetVOhNWjQlo+2E74em+0MQo746BJWUoZ0jOcB"
    "Mp6fZe7A2pSueWsj28l1BsJWXOc5Uf1F2n+W+6RVWsYwd+c4jm9D2mhe28iQD+Annaq6u6"
    "q6nrHU22jnclsGcgkL3W27P7ctp5R1CaDNoRzunYLtkDZgX/ic8IZdsfchu61jdUodmrkd"
    "6DoM2TCvMdGG5YkZ/TENZ5QglHSckUSVo8M9DslRJ7bKu4QiefotZcdc8zCNjND2JnLs0Z"
    "6xRzvWu+0bDdu+4s2pfpzqp2f38b7Y3d0O4JNuNndnbj9sZvRnPx1Pafopq9O7lTs0MqNT"
    "2XWYZG3Vb1h9U01AAEppzIqiBG+JB491UR5ZZSdjaRjlUFOfE388pnM4YbKiUcaqq3xuYR"
    "7pEZ/xKS2qBrFsNqJJ7hKfJUw4qUuXeAUoCh+htwq5RyYXqwklIY4xjmFWTqbxPQyQUhje"
    "hAAyh+72ogrp2EfneF9OgI1YySjAb0nUcfJv4EhrT3lRzMhPohD5aMGPy9VdM4Ye/mpYWI"
    "WorTT3x7R4G/0E+XSNC1USqViYXlbIFP8uC1Hxa4bWclk9qRhpDKhHyBCmvErL5ZPw6Ki6"
    "T0ytGR7SiPrwttNiKqzZ5HMpCIvF3k9pscAcvaILGvcF2AAabimKHvjKuoyrPjAPECn2oP"
    "jGQQsYLez68vO0YoBziG2xwCsYPTraCf97dtomLPO0PizzdMWqL2hY1dVfZ83PAXbHcT3d"
    "7p3//Nnpq9PXL85O86s+f9J0w68yUoKWW+Ay7+9QuYxKfY1ZMqUmmJMIOksE+ZVtQ3ZLQL"
    "tTPlSQ3g3qG7YQrqW5F9ujzZ32vw8C169+bdafpR6tRK576Nxa/4+ddXFVUypKKBwJnmI9"
    "Vl+WVl2QWcZT3SAjfmGxcgRBZavU/hsdX8hYUqjKpRJR9FWLWLLvLGY3mp0/5uIhPyFfdL"
    "uoVSui7YnHKZzBgHsDkASumRYyhKTiSwmB3mG1VvEGoYwnlgVB4QkD+JChhCQqyHIhtXgo"
    "hXlExCJj3aZEiGX1NV4L1lS+2EppVytf4Yvwppa3qGSAKwiFogp7K1Ds8gI8LCHkEfXwm5"
    "dD1OfQnncuAPrE522Mf1akzgKhBoTDaBVGkfjbusxomD5hdMeyCF6oNjK16t4njD/oDO8J"
    "9/urUAzXML5FYyPPq5TLrbld0R1rho9FismYAZeGV/zIF+llgMnjwPAlfiQjwuAup5VcbZ"
    "dxBPc6jXkq+UVvjiYGfG3JuoohRbpLMegJ8VT1YO7BIHPJ7YYBsrrUH0+Jas018NdMrQpV"
    "41HsB1LbjVAYZlN4GAcUxvbv/YVHJIJGVCXhzFLYKW0Q+Qa8K4MX4DS5C8cUzQ9K1Z8vFS"
    "7/kFHCKA34Wxi9CIybhpF4rYRKrpnhnMpdMGfdS+YHoaOfAgeejijMM1Le0QqnMNk4ise3"
    "Lr5uj/TweJZtGGDdv4fs71aSwM8rT2utGr6tfHcIyN0wpyYJlc1ZLSB6eVpbHdaGs7p8VO"
    "Gu45bZUg2QHqJ48/U3NDewiuP6DD0mzH6k6OlVCWDlgNAhcKIE2CeSvWNRENlYmw9C93c5"
    "Vh9w6l2s0PdorLqazeMk/URnflIXrLLcZdAkuoei8zARvVtL8Ilwh0MBVcJL8Vd6xE3QAR"
    "UtOaoNBGBlyZGTVEnyDxqvyh4FAx5z7fmH2WTg2QSk4QGZJPGMPFNOeXCaUspAFlYwxOd5"
    "VyHBh2nrQhcKk6tWJCcCb1sELqG+JU5NkO1GAe/LNdQyDLjO4tNk1Oyn0WfXefYqheMmtE"
    "fVwrFDenukJ9TnVRJzfdqkAqIXAnMDBreSMElduTYYN0AcyjugPORDxUZVkJc4jqjPai7J"
    "EuByoC1Abgv5mh3Z8QX58eP7EvIvrpax+/WXi8tPT56JnYBOYbq3EkKjbNBOKrAIGVJsO/"
    "DwmMsR2efqkJ+KfjJkJ+Yhjpcz8BjGrf3JBDd+L8xYaTEGcDDZjKKFTtb4LHzRpOlOyhAY"
    "vnLNwlQFD3lT3HbxtzdQ7mcyEMhnMbL2wlJ4E8PyWjL+vx8V+4IapTTjR9iFfpsnOvGRgi"
    "qzqxyWMQlZqN329Xd1JIAB5/iD/Prz5adLIsclVx/Ik+M5ZQFg9HhAjtWb4q8fjv5wssYu"
    "ZI1beBEbBbvu34uba9sGDPX9WKC3gHAIboFgJKVD27ovJaA+ovnlyzZ4fvmyHtHYtoTpOJ"
    "lVqWcb0JxD9BDHm88QEYsV2ZXKKECcHW7jFglgEuMKvVFjpc64SmnUh/O+lYwzPPyXpYZI"
    "Q/QmkHHH6iEtl9hh3YRymO+vNrRfGE/i+4rbtAnjGsJhvBvGVa4qO6QbQA7vHRMrzQN7vB"
    "tADu8d8c7GU5/dWGPeBHO472roqrMANBH4Wu2/w3vblA2xNaXJQRzOO4amxakfDe35mTKc"
    "S+bQFf8hHwbJArPO2RscDcAdGhzzJwdlcVzCOdoPb5I4qzJQrEN7GdaZetsjfp7E8PqzVZ"
    "Q3VN4qQPqQa3nnLiQuN/BjM/JSFuqQnLYE6Hag8w48ZtDLnpGfR0qPDS/bAf0mmEN+V+RL"
    "j58K1Nd4tRT9H+DZsmeYf7ind+ELZXmIy4DuGB9gHNFPt+Hsv+iixk3QaB00+QkG0G94q0"
    "Jb2wQO3epUGbLUDFYcEYE/JIjhb/ZWOPBhJ9kugnU8GDO8U2yDpx35EpqGiXxUFVG0nYmk"
    "r2IiOuF7y+TkbJws5nlcknBRxK8Hzjq++DEnnALnWRtJ9NuRXJMQNGhEhVX8QfnnnHNfR+"
    "e+YiPa+jAUED10Ynj+8kUrx6gXDY5RL1acGPQRt8CyCdNDPJ+1QfNZPZbPVpDsRzdxAtSo"
    "Qi3R4I9jAvUQzZt3pzSuAjv9TwmsF6jetRJono2icGyN+RKUQ7zTvh2I2LDkaJmzqZZ7sA"
    "zqZLfu9nQtFlhuQRnQbcABCs9/oTTAkWqkZ7N50CQ+T1THttJzQnX0nI9RbndhQBORGUM8"
    "ETIu5onEh/4ozlL9UOZNT/NyWZUpODY1tpCRRb52JSEH8GcImFWZOcQ8A8JjnZAenoiLQY"
    "QESk8fkeJ9CmvDHJnzeRQWZaVwK66ZTG3JYliTTPp+y+J7WdcrxMEzjOjjZEQnWFQqzuA1"
    "7jFRvEj2gcWpgM9NaUNCeI0C7JC/zIpUXgr+0yCYVGJNBKDe+GHGZiId/9oIwAIL5Ooz+f"
    "D1/XsX8LcbnYB5EtpKUiZML5jMbafVKz4xCyyXgHqI5q2kM3Xxq0VM2lmbmLSz+pi0s1Xd"
    "Fgus0hAZAFu1TB0CCV4luZalPZbA+uBaswOC4OrEbzlqD3O92+BX9+8fejevgMWaVVYKwB"
    "ygF/fZrnV/9vomp+t7qJppTMO7bnqmEuS29qCvNceMQ5+L3raHvwToNH0HqOl7H7LbLxgV"
    "UqPqK7UPmnR9EfQcigATi7Ra4ygc33JZ2AYHkMq4lM7mWNRwgPVZ5jSeR1Sks4VfM388DR"
    "nl1dm3ug8nlHpZEg2D8IbyonjM55/Pf3z+8gwHwmYPxqBjP+NU5PLFQ4rF5bFeI7rgkQhr"
    "QvpBgHoxtchK7ZtekuiQz+qKMu7P9zlo0JiZu9eW6TVhesGa7aBgsfFlrGD6J/G8xgm/BL"
    "cc67NIKT9AfFtqHS7+9uXyfBWfNqKE6t6L07prQWKawZVrR6NzEBcV242PVZe5HdYNIIf3"
    "g2NfP8tcoZ/TeF7DwC71aGRhuew75NC5tce3VsrKWtw4BPyNdlqZdpXF0owcUf+OcuVzDb"
    "xjPMdTBd1EnXBRhhxmrTJcb3YCwejyMbQKHtfTo4ta4p4c3VPVIxCVnrRiq0y15lpE4UTh"
    "HaxbJXSnvLKiXu0ao3Jpe4bC04euMyvrcCRnVN6tUVmcMBv+OAfoBbuxbTucbYbTHic33Y"
    "pJw1VN2DG/7Iqcuyjf7xT5IzufIAOmfwbUrRBzTDdlQ8p1/z6gdxd0fF9kwXiSXsQZ3Al1"
    "omCpw6BREoSuw5Ho21oQDPzFAEvxwf+ciLuJPPvTKxD1Y6ZENelPHKN0pmwERM4REJwwWl"
    "SJf5sattIOofqLaf1V919nf9hL+4Oxa22vDQOkF/zpDq6NoKrmb+0JDyor/h6yF8LzZ6ev"
    "Tl+/ODvNz3b+pOlI75V+8JwmQCGrLgPV0ngL+EWfdfS/HrnrNWF2GqnvhMQ+6PQ1Ec87mv"
    "DKhPf1xNMA6SHx3Ep1GPyobK4n2b2H2N2KYby2xmR9aZj6GpM7KA3zOALOxorAPOpl9sf/"
    "AiK7YTc="
)
