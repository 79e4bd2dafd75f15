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
    "eJztPWtz20aSf2VKX5xcMS4/ZCdr726VlGg32nPsPT8uuxVtEUNiSGIFDhgMIJqby3+/7n"
    "ngRQDCQCRFwfPBZRHoHgx6Bj397t9OlpHPQvH4+yjlCYvfR+uTV+S3E06XDP6ouTsiJ3S1"
    "yu/hhYROQgk+VXDyIp2IJKbTBK7PaCgYXPKZmMbBKgkijtBnRMO/IpTMaTpnJOLEpxvyZE"
    "RgaEaSBfyLEhqSaAYweOurQIIIIgI+ZeTpH7598vVjfJ4fTeGBAZ/vfuiUB7+mbJxEcwZo"
    "MTzgl18UifC5dHPyr3/BHwH32Wcm8O5vJ7OAhb78WwEiAPu8ipkQ8PbyBl4ydJZTHOMvRd"
    "DNSl4+kVhARvxBfv7x4v2FnOmfyJOT3xF/dT2WTyotWuAjnrw+NiOdB/NLnvxFwuKkJ+Np"
    "FKZLnsOvNski4hlCwBO8OmecxTRh+IQkTnEVeRqGesHNwioC5SCKFAUcn81oGuJeQGw1gf"
    "zayXj89t3H8YeLj+PxydY+MRiF9dWXpkBJIA5MVUgCzHEK3/zh2bPnz7999uT5y+9enH77"
    "7YvvnnwHsHK+27e+/V1NJqeWGkrS7PKvl28/4oQi2Mhqh+OF3yUOTeg4X+Wc+mZflOn//Y"
    "LG9dQ38BX6w4tV6W+o3bYA5kK+AvnHd4glWNLP45DxebKAn8+ePGkh7/+evf/+x7P3XwHU"
    "12Uiv9W3nql7SO+cvvi9bZG3cW9r6Ns3966I+2S/m/vZ09NvT797/vI029PZlbatbLZtTs"
    "YbGqY1+7SNT2Qog6HmAVgFcunZdYFT4IUJnV6vaeyPt+5Ez6Im2O1by2fL6hXK6VzSEt8b"
    "J6xP8J9YQhsOd3Or9WRfAlDXUx3H94ncLXi4JotAkADIT2EvINSIiHS6IBSuJvDPJ1Esj+"
    "OYUQGntDyPBeM+WUShT77yZgyOY6/2lN/no2pO/cox33gCX7MaHtV8BGjw3ZwA93sEl/j/"
    "y9MO7P/laSP3x1vth20DF/sIQpMdD3uYx20LeT9e/EPyo6UQv4ZFsn7109k/JMWXG33nzb"
    "u3fzXghWX4/s278+NhYN/DmzOeNCoo2d1bFBQJZ6Gg8ARAHgkyXUQBKAV0EqUJMI0wEMlr"
    "yUrwL+L9l0eA63BfkBmwGHbD4o28U6+a3HXQK37FPRGlMTArIlBlWS8isqS+0mvUsCMCqM"
    "RD9jYOfI8Aa8SbSxqEwCMBIwDOKMHVfBR+kDSrPBpwrBQGnAn+WVV+nF5ylHpJefEq4rNf"
    "vwJlnMpKpGngP/706fKHYTHOc2R7+LaRSOaxvHEi37IsP5vdb3HMF1AGcfqUD/unnZS9py"
    "3K3tNtZU+kE5zahNWxjigKGeX1tC4jVsg9AcwHSO+2Tfvu3ZvSaX9+WT3OP/10fgH0l9QH"
    "oCAp8Y0Cn1hQDifwmCZ1ajaeRw3suox4OB1xIJy7sOnlwW7DWXKMATKW0y585bSZrZxucx"
    "UlEnU/BwsIdzgEtcxxLFTudwYejzqAkkmzOmDu3qYOIJytOtAi1CvRHNRPFnMaFuXuVLBY"
    "WiBm8mfRSgGawCqO/HSaaJmd8ohvllEq5AASXCLSKz6JozWM9JowCuI7jI2EQWE+RNkdL6"
    "T8mkdr/ph4oDHwZCzYr9kkPPlDTyHXQ0IK6oaEhvl7MbsJ0EvhKSeK0DoFcneBuOsFTUiS"
    "xlwQn00DUBomm9zQgsDU99HTIV9GP0mqXTj6ksV4SsAujLJpGQ0kwZFjtgrplPnKmhNxpB"
    "UoRxJP0Ue+coR6yToQDF80pkKePN4VBxzBEpgk45W3XLFYRLAqBGVksoa5KryO1p5fTpBM"
    "QE7G8Yz7F3KUgpun8F63eXs0aHH3tXl8CiOTyw8Evn3y9tObN5YeoCbetnvZ/l6Vrb6Sfb"
    "PiVPiYbc7kClqvg/nITowDeHcYmiesyGwQhkfg58+6EBigGgks75UJXDxabOhcxRseufey"
    "n+Fch2MnCZRfv0zsv31497ae2GWsCqn9AE7K/5OGwH3J9id/nKV8iuQkkzQIExBWHuNj/3"
    "xyeK6NVGo3ZFdt1hUWjwOcV9mMkYzsLJIlNOcF7afeGvHSjvRFrHuk/JOHRu1ZEBeE1m2p"
    "sM2is4XrjDq916GkO9gtQxXVrULvVZjGDEnUw7hZQnQr0HsF0pXfbwXKiG4Feq9A0VCxvQ"
    "QNVoIK0pduBS3Jksb4ZLmhS3i99vORkfKLC6q7kCt4poydDaboLZhRm0Ha7AkFzjoapj8u"
    "GBE0hH1CFlQspKWYZ0ZY9UuNbKyhIx3+sUxFQniUkIkKDAEIOocF3bZw7+kZdwiyw2lsf3"
    "I/BHMmGr44g1F1B28SRekhGzrP//nx4uw2S+e9cbIv92Q+IlaWxqyFiem7t7KvNLZhWxpD"
    "ReJqxvGaeLOAB2KhXDqZkyvlSRACJ6k4cuB2yGY1Trk9jH87uyr5hGIG0EJLrbc4hQztxn"
    "HKOb7BqN0rVHgF6RVq9wgdV/TXQ2KcHTxEpWW2Y51VVMc972Dpyj4IaztXCdPJ4g/wALv0"
    "GbDvZNNwghVvtx5hgQIMuh5iZ5xolE3pkHlFvPSVZ6I+RsRj8Es6KzEHxaPwK3OpAUBNSM"
    "kOB76DlG3mYOMrLOIMLqnl+fNOXtnnLV7Z509uy2s5ruN6m5cd/3l9JGzpQ7oyEl8DZ6pA"
    "tDInkcN2Z09GR5fBVdvKeC3nuQ1HRrlp2Vlm0gdLZsLKCpN83JB+Ioed0hStBUEyQsalw9"
    "gYRwEcga64D1uWePBgJrFpuMZMFwR8hUBToA9Zx0GCUWkxpvT5oiV9pSvD069uFRuRowyP"
    "3e0uCKVNgMZ0TBuS5xgu4rlDxLO1SOy0kTtqI8i2tmnenJhq4IcQV3WItFQXzz8oOenipj"
    "m5N7vXKhvJ2KzuUpEELylWtYJQDZiUfXJhO7cfYpIuNSjrAPaVzOo1eDr4nqfLCYuVMKTm"
    "jMNjmHv+AA/j6qWU58k4PzGSg8vQei7WoPklkZK1YCOzeKQG43EUhkumIvYxRN88AbOIY9"
    "jGI4Lg/hXHIHqQrqRQJ++9hnnG0Rpn4sVslgqgm4eOHjmxf0dpzNmmOmppBHw9nZAciCue"
    "Tw70VboKPFBU9TD4ZwzvtwpgEPzhU7GYRLCFPKnBTsPAg9Fkpr4S/EAeXWImAk5vCRPajN"
    "QreNM0jhmfbjxZ3iFZxIx9E7IkAQKhdPiaTKJkQWjMCuJlPjMypzcMJUk1OjxTiqS4pjKN"
    "oExUTLEWBVrEwXzOYubnBNHJGz5bJQuVtaHWGqet0dTKAHkybKQv6OsopYJ8DavM8gE7Jy"
    "aUVT+MTwSQvESVSdJ2uQL7tgTfq94+iPOofK5bxucePDJ3eGKrq17m8gG+vHyATN6yWZUS"
    "kluUnS9KNJXyXQ+HXgXTnQd3SNaYsuCmn2e7hOnWoPcauHoQe7aONlSR+0sYUcsycjNEGZ"
    "So/sO7T+dvLsjf3198f/nhUnN5Y6JTN6XOmVWUeX9x9qaadaHVdJstXMQZgk204lXp4lNp"
    "9qhUN7CxW1gonQUMp3IWBcFVUhNV3Fxf2MAPJhv0ThWGj8SafOmz5SpKkH80xwMVIUa3hA"
    "QZ2PE121gFBhlEAojKjKwj/kbSQlywpkrjaoDW1AjtgqZ0ii/j2REVTZyTyN80hQrt61Gu"
    "Du4RWRJagvdlbrrNGVDEcLUdi4eA/BC2CdmWW5Lj7Cq75GGRMc8veTDZtsOsAXskR/B75U"
    "VsOH4Ld1uPXuOL7Hbk/rzY5A5Y451UHrzcD6uqiZVcmmilY1xkPtbc+VY6Znc7vHQjqzAm"
    "5eVUAW2mjJpHQ4xo24wZtrFhvmdKwyXeVsSdplJnd6GenWb9eSgV+gnRb1jwSDm/4UH8hu"
    "UV6SovlbEGaOrZS01hF2y4Z3PasQevH7MYVVdfwAn2uyKlC4P9giTQMxkp1yCA5jdb5U8V"
    "bde5PnBI4zmKYwJWriAIUliOabSUWRHMVx0+9A2U3WQ0YIQGmclGml6ULllXZXj3D6ht9J"
    "FHvWkuorVb1+rjaD6yNmlya/k6HhtVNHd2OKPQzo1CaFeuYw6cxpt6KhqML4eGWRgNSNnn"
    "l2/P3v+zPj2ijeZHcgpfZEylKbq/BNB6Ghci3LudyO/yqHo8LQux7NuHawusNNWooiBbJe"
    "tpUogRH+kaIgggi2fKMvlklWLzQRxWh+3rs/kx8dY0SPKIefxViLLPY89lW0NtAUKgsRIB"
    "PFWLX0b1Y+ojwZInnH1O1Ei48QIf5n3FdaYBnWFsvCcbHMvGACPzA+1Kql+Y/CnhMQwfGy"
    "OyOHvtdRRfY/qBLNSfctlXEeYOrzNS4fUC25SB2KEABRELqkPa8biaUFwm+RzVatGMi79g"
    "IUBMuWb8FZGTN70Hrjid/poGIsBlFTCnlJsCWf4YQ/lFqVMBJo/qDAiQ3RgR18FqBfSZMO"
    "n0Lq3egqIV78qMB2MvmSzD4o8pjKoS2WGnq5HnEbyY8ZYhYTDBo2659GxmUSxfFnNl46VO"
    "qJBJHPAr88LlwJhDkS6XwAg90wVBp9fKZgv5K8GXwbASF6YSeCj4wbuoYjZ9qtSUde+yUQ"
    "neJpZez9vK18D3Mg6DG9g5GRnkt6uZ9ae3l//zSUaKVOvYgPaVMHL5lnz1CCYBIzwakUe4"
    "fWE74J9+HMCm9fHPFYU95T/6+uT3Udu0/1XpzLCm16xLAZ5c/EGMW9sy6GGLLRnI2dsf2l"
    "9Izr00uzK97ecq98aB5ioZjd30NKu7dYZm6K0pFrd3XuhotEU5+Sq5FbuVxsBAta9ZAXfe"
    "FsHt3TrM6OVWHa0TsppEzODIun130iRhy1VC/kye9FlpxfYtpqUQbp2WAnNtTL6w1KQHKI"
    "Pfog46j83hPDa5EGJB6hLS4Sh9cnIQOu8lOSk7QjvHmRuEIe7kZ1028rPmffysSl6d9Du2"
    "d+jUYTpuXHI5+mxcXxC4JcS8iDTEHfyyyw5+2byDX27tYDi96jxoDeZPA+5io6spPVo6t6"
    "BlAcORs0pOozXXkLPFuVvAciU/+yanFZXproy3iDO83J69iGZIsm0SN5eTMvBDIG8LNfdS"
    "TqpgYLcleQHNUb5HIS/jl6hzELaU/SiiDeZ0PHSWsXYDWR6iRTRH+ruQXip33XXCCpJL4i"
    "zXA6yp5NFSNkjDD2YD70yy3nK1WpC1FvdB9+7cGVnRk2zPawtYTmHpy2wLDn4bnaWCNgTp"
    "bt/WIoxysBGgDfwQaHtoyVlG01jw5gzeHXlVBqECvWw2bo7htq791tWhBp0F3xzeybzF3n"
    "1xVEPE5k2bIbg9a79nsX64fR5hGWsIdD+A5VPnP/foSllCdDlcvSVm17L7vlcgi7u0/QJ8"
    "19Tu7tY5FZJtc7YWUIbA5Q99uhZDfi23fBXVbfsHmLn7NxUl2ZAwVLg7assWMi0XJFSH5F"
    "1Ts4XKXJ01/BdSkRDBGMeEIJU24rO6tNyuqDKRiHGcoeobsl7IDA2C5b1pEsXYajjJU4Rg"
    "SF1fRkfiCtlFhPFxofeafJQsB4PpIKrnOoVnxzcwcBhRX/eoMNlMxJtjska1e5v0J+iW7c"
    "UJYHeTCMbhc2w4yVWikuquESRZ7xPAC1kVD1+N3b0BpY2IvcvA2iOqILfDsNrmCHF4h4DL"
    "JKttirdVQS9iHb4M+v2ce3speO6iGA9il9YMeJvI51EUMsqbhOkMq5qIDGj7IrNhOQe2Ob"
    "1796a0u88vq2Lbp5/OL4Dukux58ee6rtyxSMb6zLIU5rZwnQrZX4vptQKO9rugvZa3LGlf"
    "wHJazAPUYj4kbNXU81nfatVfBAB1VF4w7V8HiAtV+tmbJp8f4wiezjMXslqlVkZMbaANw6"
    "53gRhHN5jjjzEasj6QzjHdVnX2+aBulYhkKvpddAdXhmi3bM6VITqon+8+S6rf9wmyf2eT"
    "4W11R3V7Ys6Bg9v2zzx2l+ska+jZmM9zDGc97+GbdpEAB6S2lmksjQkFrAMaE+7pYLubMe"
    "FIpPmPIMg2SPPmVqs0n5Xp6Va1TNYNQwGbF+pKvZIy84rGian8nlX/NKXl8VNWgnhWFGxL"
    "iN/D+N1kd9UO24nvTnz/YsV3/Ql0Fy9zBCdc1gXrhnTTJ06ghDckyh7YtOlcVgdxWUVpMo"
    "3sOrMXUIZI4p1X58nMrZ2DvAzCIMjrtNShUftIFKezJKHTRUsB6DLAqLUdQwbaOaprpuKS"
    "lGdC4WM8VEQo8YOYTUGRwYLBr4kHkpsMY5FhUVIRwgK8IzKLoyV5Uhf2tdOxdxwi5epk9q"
    "yTiZnKVgpPAWG/qs5DoGtBMtdb3kLXKaIMSSbfmbaDDEf+bSEHFnEGIalU3EAvXnRxA714"
    "0ewGwnvbHcxkbW0klAWtq3iO3t3oLYL/2CQvG3DHI2o1crkH6yynzS1WCkiuy0pVxHbtjo"
    "/YGHUkWs55GE2vmf8TiPsNak4FYtSm50wU7Fi2Mumm6fyMagh6cxCHgHZxLdM+4OKUcozI"
    "mmBnFJ+9kn4c1Q1ABnCh+ErWQbLIbqSCeHoGXl0X5P08SObG3LBYNhrwCFJPZaeYa8Ynhe"
    "EWIY4qH7qgNwxoAkKOP1Kji5XsmzJhyRrzbwBlCYN7M0yf8YjpRnNDw5SJvHtLNuqC+nfV"
    "x45FhRiYZmaWyEYiK+IMUBrbS7l988HZ0LmIM0A67yXYzHB5a3mhjOjkhb7OK3kkbNO+Od"
    "ctQzh8mtvJH2cpnyJdySQNwiTg4jE+9s8nh+ffO0t+OxLh7QdprG2R3coAraKbMvzaS24l"
    "i7FsFDdh2LxPhclHa4yo91Szu1dkvYgIPJgRkE3Qnqxa6iFktOZEK3NNotseniRlN8FAj0"
    "kKXe60iKXFtlUcrYQZG+18N8wrtEvMZxOymX6MiPCCbHEnn4PwIRNCJx5fsxVmFagmqzqZ"
    "mWahSzGDj0vASElEfJbgG0u5E1YW+/otVxEMOd3AKJsrLgVHCtIrJmNrTCcFHqUU6Prw2p"
    "O1zlqBu80uLDvHcC5Ye4c3NvTcACOxkTeKOMchcuDzHrTIUTLYTW0WQ0G7Zdj5Mkzs1mHi"
    "FmJPC7Fg1PTw7LoYBZTjWJAHrxN18uW0cKlGT47dgjyc03ovlM90FBval5CO43MYFH/SGq"
    "bdkmQo7nPoT/lrxlZi3Oxabst128J15XO6l88R14EinrAn/BbuAQmfXXmwlK/EmnYMTalg"
    "uer6W+EpLkjiiw2SuOBzuNESCl4GGLXZ2RdB5xhwjuU1OaawUjINg+l1TSz3Noy0aZfitt"
    "F8rNLxjI05DPi1CeJWJmsvjUNPBRTQeM4SFfqgRiQY3oBiB44Ggy9SoJQ3It4SWEbAmQeP"
    "H2mTuLfA9ZV/I0TKsfmMB0MAfXheuXMaUpFZ2D8JFn9zhvflXOAJnCXrKL7WE4pBOsSPg+"
    "jLBu/y70Q3aupo8v7tJF/wk3yiJwjGPq9wJOkL1piZeglLNl7ob9t8uScSB5YQf5Cff7x4"
    "f0HyIcnlBwKfGnn76c2bk99dALzdYegC4A9P14LMDBPfJmJLqR4NP8Dwie86BE981xg68V"
    "01cOLBpBY8FKEMDi0bR5AGd14gey+QlgBs+EIBxbGG21iDFI9sqJshDJC2p12C1k6bY9ZO"
    "t0LWtORoQ+ACygBJ/PK0A4lfnjaSGG9V7Q6WirGrYdFDIy67vTINxo7yZURXpPcBmiQu+S"
    "T63GCNyO6N2gwRAUJ1tEQQGeQ2pasEW8nqphk8wti4m8DH/hoCY+pmwRzv16Wc2w9gqc6b"
    "sdHOdos+L98c9n/M6K0qPcLAkFKfb9flj0X9HJhWn0RjGWJpc3QXcQZ4dj9/1kU+AqjG01"
    "veq8SUx9HSntJlLEfrbrQW6eTfrE6ZauvMlqEMgsqH1l/rN3ZbanHDph5w5O3O84oLR7Kd"
    "gFrBdE6zviqCFl8syV/AcsrBA1QOfgLBF+40qAeFu60KwlLBWbTyiGWgPcj3UtrPkqdHBL"
    "tbojTO/NdEJBGCTNgs0inNsl2Sac9R37tjZyO7vJhjE/CdMHRwYcjJ+oeT9Z3geXjBE8Nb"
    "rKJtMwQX/NzObPrkArjAuS9WEP0AElBTKzl9q1UEldnc3eRPbA6hcrGTiEScmc7TI9PSTZ"
    "bxCZk/Z/Fj4i2i0MeObjoeDT19LDaVeVSXN4KdTuq7UOzjQTJuT48FUmOGEbNpsApMcBzx"
    "4COYsAUNZ+No5ukW3RIJc94FK7TFkDNRye/BTD7yisOgIloynDemx8MEjbE0e6COqVNzxJ"
    "7gqZSuPX09g8MxkmJm/hVXdJElkEa6JTemgsq6RoWZPsJ24Kb/lCfZq360adGXRJI6BeJ4"
    "URzM4dQMi7TR66BqIcE1nBI8EPgGPsHU0JHgOO6GzGSgZKmQAKbQX3Ed5o+qhS4SYNEfBC"
    "tqj+sa/JU8FLrBuMbxU9bBVSFXcAywt/kp1HDlsEPkwoXnpyvf8NNOT8UFwD1/y5N1Qaw/"
    "kUeIBgiPtp6svoGOT5Ww4ranKrDW9y1+KN2eDbtjLEsp3Pr44tjtk8h3bbc5wF0d2NH6/H"
    "zY6uN/OVErgmjqodWtZ64Wa0zhNRem2kt6tdR3cxbfnahlHBeselTNfo7M2nl3mpa5RVfz"
    "QBlrCDGWByhZl0kOFoQu4gyPzHupWFeom2RL7RrUnRD9fhu17Z/krujlYTgIKk+WnLqA4q"
    "jckU8f3klxZFz60D4KWXbPxoabIRyHDXdQ9VzuJQjvyD6AA/iKtIXNhsoFFEfkbsF3mXWk"
    "u8BtMIZ4XO68IWHMqKjLcWwmcI4xvD28F+FaG4+3SNzqT8uRXFBX33i6I3dmfgErUPBi2K"
    "1AGdGtQP+0Mwpv22MBSniOBfUlP7qH7IlfwHKk70t6n4XBDesV0V5FdYvQdxGw3lGfFSjh"
    "OfL3loCwJFQvCaiE6Bag7wKYlFkbBauIMzwVa/flIgy9LA3rFbThUXovyqwJ+rIx9hZxjs"
    "PeO6iYXR2wtc3gG8IpcngXR1GQVIoBaJ1pWcVyFC1QtBBN152gZaQvnZ5HEhp+lvpBUznV"
    "7N6oLTicIpQE6VJKFfTfeGMqh0pUEkbzx8RbL6I8pHmFyx/Fj4SJgh4Rip224MIqZrPgM1"
    "Za9UCUrWkwu6+H3J6y+EvmbHYxnAeJ4XS1rg6t9cAHZCOJa/AB+uv243ie1pclbfE7ZxgD"
    "pPHLLiR+2Uzhl93jh1q8zgNLcq7q7N2U9jatfbsxscz8t9EjcwzXZaW/ukhnSZ222KK+Gw"
    "RH9QfZePi/2aZBdNd32gX3VYCh1N3bIJz9/RLl49ck4uFGytCqMaqRtJXsnLDPsr2uKgNS"
    "K5/3Gkg1VJCCeSbDg6gXZ1gIPyKTjc54XLFoFcq8zWjOg/8wMzKoAUoVFR6hukDJmk2uuL"
    "6q8hiXdIMJlwUk9nkVwDYYU9U+AZdC5zHCfYXkRwxuRAlRsHetdOJ0hR3qCvJ/i3PfwA/w"
    "0N9LaLb6Mu3M9AZjgDTecV3y4+ha/ZBYQm3P6mm0Ynb9/zIM597YubyqD1yb9SiguAXZ+Y"
    "K4sMr7tq/lQqblCpQRXVhH3wUIqUjGWGnFfgmqqG4R+i5CzG6iXsFNZUS3ADYLcCQ2jXfa"
    "Lddg2CjeHrVZN4x7r6N544OuxrReRFL3F8Gcy0pSkbJPULGYRPByr4m3okKsI3jPBVzMbQ"
    "FYwChKsQyTAdi2feztKc7KcBxWBuv0zB0X8jyicgZ78ZCVvoptOjengW8hDiEq8NDJ4HEU"
    "WtnQDPwA7TtPu5nQWixo1a3tlK/7Fjv9QCA9+qSVlDGd4PkABc8Pqh5gY53U7G6r2ClMVc"
    "FOUucZ0fCylj7PYtJqPWNYEHMaRdcBa3Wv7WTIO8iTzlTd31TdLFiaZbQLuS0juYKF7rQ9"
    "ntNWMMb7JNBmWI72zsD2kBbgWOScYM4v+ZuAXzeJOiWAdmkHQMcBH2eNG7qIPBFn3yTBkh"
    "HEUoEziqkKDLjHIQXaxLZll0BWJL9m/JEwMkyrILS/Bznx6MjEowPb3Y6Nh+3f8OZMP870"
    "M7Dz+Fj87m4F8Eo/n7tztz9sYfRHmkwXLHmfNtndygCtwuhCgY7jtKv5DVta6gcQwNIWs7"
    "wpwWviwWXT6Ua1rkl5EoQZ1oIKQqdTtoIdptoEpby+deYenqMi4lOxYHkrHp4uJyzOQuLT"
    "mMsgdRUSrxFlNyGMViFrFHKxRU8c4BjTCJ4qyCJawwAJg+GLGMDmMNxetvacUgyOp+oBeB"
    "PbA/n4LcnmSHQOW9pEyssOQTQOA5SjpTyuZnfFOUb462FhFrJh0YpOWf425grK6YYWus9Q"
    "PjEzrYBr+V11dxJXHL3lqiVRPtIUSI+YATzyMin3JMKto5spcT1nuMhCRuFtF/mjsBESFU"
    "oRlpNdL1g+wYy8EgSd+xJtBDeuGaoe+MqmN6rZMHdQKY6g+caDVjA6+PXV52klAGcY+xKB"
    "tyh6cnIQ+fflaZe0zNPmtMzTLa++5GF1R3+TNz9DOJzE9WS/Z/6zp6ffnn73/OVpdtRnV9"
    "pO+G1BSvJyC1pm8I6UVVKaY8xSKC2iOY2gt0aQHdk2bLeEdDjjQw3r3aG9YQ/pWkZ6sd3a"
    "wln/h6Bw/Uwbq/5UIDqpXGsA7mz/R2DTsbSoFcUMtoRIsMkpVf1KN2SZisTcUBm/MFk1gu"
    "SydWb/nY4vdSylVGVaieykalQsBbuM+NyI84+EvCgek4/mvmwAK7PtiScY7EFfeCPQBK64"
    "UTKkpkKVhsBusAWqfINA5ROrLptwhQN+wFFDkm1ZhdRaPNTCPCJzkbFvUyzVsubGqbloql"
    "5sq1+qVazweTBvlC1qBeAaRqG5wtEqFIc8AB+WEnKPdvjd6yH6c+guO+cIQ5LzdiY/a1Zn"
    "QdAChqNoHUWR+duGzBicIVH0wLoIHqg2OrUGHxLF77SHj0T6/VkahhsE3/xmq8yrjcudpV"
    "0JTlZxNJUlJiMOUhoe8RMqy8uAkCdA4ItpqDLC4CxntVJtn3Gk9LqIRKLkRW+FLgZ8bSW6"
    "yiFluUs56GPi6e7BwoNBVkraDXwUdRmdLoi+m1ngr7ieFZrGw4j6ytqNWJhmk0cY+wzGpm"
    "u68Ygi0ITpIpxpAitlHCKfQXbl8AKCxTfBlKH7QZv6s6nC4R9wRjhjvngNo+eJcYsglK8V"
    "MyU1c3ymDhfMRPeS+0Ha6BcggScTBs+Z6OhoTVN42DSMptcuv+6I7PC4l20EYAM/QPF3L0"
    "XgV7W7tdEM31W/ewjE3bGkphiVzV7NMQa5Wztt1pa9Wt2qcNYJy2qpBZQBknj3/TeMNLBN"
    "4+YKPUWc4yjRM6gWwDoAoUfiRAlxSCz7wKogirE2H4SBdzVW77DrXa7Ql+isulyuojh5z5"
    "Y0bkpWqYKM2lT3QAKPYwndWYOPZTgcKqgKX6m/KiJuhgGo6MnR90AB1p4c9ZA6Tf5O49X5"
    "o2DAR8JE/mE1Gbg2A214RGZxtCRPdVAe7KaEcdCFNQ6hIgOVGnyQdG50oSm57UVyKvC+Ve"
    "AS6TvStIiy3yzgYzmGOqYBN3l82pyaw3T6HLrOXq1y3Eb2sF45dkTvTvSYUVGnMTeXTcox"
    "BqEwt1BwLwWT9JFrQ/ECiiN5D5IHYqzFqBr2EkUho7zhkCwhVhNtAXNfxDfiyIEPyHfv3p"
    "SIf35Zpe6nn84v3n/1VK4EAAXJ0WoIrbpBN63AImVIi+0gw2MtRxSf61N+auBUyk4kAhwv"
    "E+AxjdvEk0lpfC3dWEk+Bkgw6ZKhh071+Mxj0ZTrTukQmL5yxYNEJw95C1x2+bc30uFnKh"
    "GI8ghFe+kpnEcwvY6C/28n+bqgRSlJxQmCsM+r2BQ+0lhlcVXANGYBD0zYvvmuTiQy0Bx/"
    "kJ9/vHh/QdS45PIt+erRinEfKPpoRB7pN8VfX5/87nSNQ+ga1/AiNgZ2Az+Ik2vfDgz9/V"
    "iQN8dwBO5AYGSlY9u+LyWkIZL5xYsudH7xopnQeK9C6She1plnW8icYQyQxruvEBHJGdm1"
    "yshRnB9u5x4JEBKjGrtRa6fOqM5oNIT9vpeKMyL4j6WFyGAMJpHxwOYho5fYUb2I5Sg/XG"
    "vosCgeR+ua07SN4gbDUbwfxXWtKjuiF5Ac3XsWVlr59nQvIDm696Q7ny4on1tTvojmaN/X"
    "0dXkAWhj8I3Wf0f3riUbImtOk6E4mvdMTYsSGo7t5Zkynivm0Jf+gRj78Qarztk7HAuIB3"
    "Q4ZlcelMexQnP0H87jKK1zUNxG9jKuc/V2J/wqjuD1l9skb+m8laMModbywUNIXG3g+xbk"
    "lS7UozhtCdGtQO8VuM+klyNjP/dUHhtetgf5i2iO+H2JryJ+akjfENWSw98hsuXIKH/3SO"
    "88FspyE5cR3TZ+gHlEZywOpouTmhBBfWfUFh9Ic5jbwgObl2DXBSS+kIprd0zHb45sc9nj"
    "h4gLwo/KgsIafIDU3UsN18bsguagoObsggMEBd2PfLCz8J97Pcx+/39nhEv5"
)
