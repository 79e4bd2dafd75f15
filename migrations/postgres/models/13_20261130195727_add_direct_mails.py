from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "attachments" (
    "id" UUID NOT NULL PRIMARY KEY,
    "send_id" UUID NOT NULL,
    "position" INT NOT NULL,
    "filename" VARCHAR(255) NOT NULL,
    "content_type" VARCHAR(255) NOT NULL,
    "size" INT NOT NULL,
    "content" BYTEA NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_attachments_send_id_377eec" ON "attachments" ("send_id");
CREATE INDEX IF NOT EXISTS "idx_attachments_created_ce9676" ON "attachments" ("created_at");
COMMENT ON TABLE "attachments" IS 'A file that is attached to a direct email; `position` is its place, from 0.';
        CREATE TABLE IF NOT EXISTS "direct_mails" (
    "send_id" UUID NOT NULL PRIMARY KEY,
    "digest" BYTEA NOT NULL,
    "sender" TEXT,
    "reply_to" JSONB NOT NULL,
    "cc" JSONB NOT NULL,
    "bcc" JSONB NOT NULL,
    "headers" JSONB NOT NULL,
    "content" JSONB,
    "sensitive" JSONB NOT NULL,
    "secrets" JSONB,
    "keeps_content" BOOL NOT NULL,
    "skips_consent" BOOL NOT NULL,
    "attachments" INT NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_direct_mail_created_42a808" ON "direct_mails" ("created_at");
COMMENT ON TABLE "direct_mails" IS 'What a direct email has beside its row in `sends`: who else gets it, and its own content.';
        CREATE INDEX IF NOT EXISTS "idx_sends_templat_171a84" ON "sends" ("template", "id");"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "idx_sends_templat_171a84";
        DROP TABLE IF EXISTS "attachments";
        DROP TABLE IF EXISTS "direct_mails";"""


MODELS_STATE = (
    "eJztXetz27i1/1cw/pLtHW0mcRwnTdrOOLtu173ZpDePu+2sd0RIhCTWFKglSCvq3v3f7z"
    "l48CWSJmRJlhh8yMQicUDwAAR+5/3byTzyWSgefxelPGHxh2h58or8dsLpnMEfNXcH5IQu"
    "Fvk9vJDQUSibj1U7eZGORBLTcQLXJzQUDC75TIzjYJEEEcfWF0S3f0UomdJ0ykjEiU9X5M"
    "mAQNeMJDP4FyU0JNEE2uCtbwLZRBAR8DEjT//44skfHuPz/GgMDwz4dPtdpzz4NWXDJJoy"
    "IIvhAT//rFiEz6Wrk19+gT8C7rMvTODd304mAQt9+bdqiA3Yl0XMhIC3lzfwkuGzHOIQfy"
    "mGrhby8omkAjbiD/LTD5cfLuVI/0yenPyO9IuboXxSadICH+nk9aHp6U0wveLJX2VbHPRo"
    "OI7CdM7z9otVMot4RhDwBK9OGWcxTRg+IYlTnEWehqGecDOxikF5E8WKAo3PJjQNcS0gtR"
    "pAfu1kOHz3/tPw4+Wn4fBkbZ0YisL86ktj4CQwB4YqJAOmOIRv/3h6+uzZi9Mnz85fPj97"
    "8eL5yycvoa0c7/qtF7+rweTcUl1Jnl397erdJxxQBAtZrXC88LukoQkd5rOcc9+sizL/v5"
    "vRuJ77pn2F//BiVf4bbrdNgLmQz0D+8e1jCub0yzBkfJrM4Ofpkyct7P3fiw/f/XDx4Rto"
    "9Ycyk9/pW6fqHvI75y9+b2vsbVzbuvXdi3tbzH2y28V9+vTsxdnLZ+dn2ZrOrrQtZbNscz"
    "be0jCtWadt+0RG0htu7mGrwF16clPYKfDCiI5vljT2h2t3otOoqe36rfnpvHqFcjqVvMT3"
    "xgHrE/xHltCGw93caj3Z59Co66mO/ftErhY8XJNZIEgA7KewFrDVgIh0PCMUribwzydRLI"
    "/jmFEBp7Q8jwXjPplFoU++8SYMjmOv9pTf5aNqTv3KMd94At+wmj2q+QjQzbdzAjzsEVza"
    "/8/POmz/52eNuz/eaj9sG3axTwCa7Paw4zxuW9j76fKfcj+aC/FrWGTrNz9e/FNyfL7Sd9"
    "6+f/c307wwDd+9ff/mcDaw7+DNGU8aBZTs7h0CimxnIaDwBJo8EmQ8iwIQCugoShPYNMJA"
    "JK/lVoJ/Ee+/PAK7DvcFmcAWw25ZvJJ36kWT+3Z6za+5J6I0hs2KCBRZlrOIzKmv5BrV7Y"
    "AAKfFwexsGvkdga8SbcxqEsEcCRQA7o2yuxqPog6RZ5NENh0pgwJHgn1Xhx8klBymXlCev"
    "Ap/9+hko01RmIk0D//Hnz1ff92vjfIPbHr5tJJJpLG+cyLcs42ez+i2O+QJJL06f8mH/tJ"
    "Ow97RF2Hu6LuyJdIRDG7G6rSOKQkZ5Pa/LhBV2j4DyCPndtmjfv39bOu3fXFWP888/vrkE"
    "/kvuQ6MgKe0bhX1iRjmcwEOa1InZeB41bNdlwv3JiD3ZuQuLXh7sNjtLTtHDjeWsy75y1r"
    "ytnK3vKgoSdT8HCwT3OAQ15jgULm92Bh6OOIDIpFkcMHfvEgewna040ALqFTQH8ZPFnIZF"
    "3J0KFksNxET+LGopQBJYxJGfjhON2SmP+GoepUJ2IJtLQnrNR3G0hJ5eE0YBvkPfyBgE8y"
    "Fid7yQ8hseLflj4oHEwJOhYL9mg/DkDz2EXA4JKYgbsjWM34vZbYBWCk8ZUYSWKXB3F0i7"
    "nNGEJGnMBfHZOAChYbTKFS3YmPo+Wjrky+gnSbELe5+zGE8JWIVRNiwjgSTYc8wWIR0zX2"
    "lzIo68AuFI0in+yFeOUC5ZBoLhi8ZUyJPHu+ZAI1gCg2S88pYLFosIZoUgRiZLGKui66jt"
    "+fkE2QTsZBzPuF9wRymYeQrvdZe1Rzctrr42i0+hZ3L1kcC3T959fvvW0gLUtLdtH9s/qL"
    "C1KbJvFpwKH7PNmVwh2+hgPrATYw/WHYbqCSs2G4L+MfjZaRcGQ6tGBst7ZQYXjxYbPlfp"
    "+sfunaxnONfh2EkCZdcvM/vvH9+/q2d2marCaj+Ak/L/pCJwV9j+5E+TlI+RnWSUBmECYO"
    "UxPvYvJ/vftZFL7Yrsqs66ssVjB2+q24xBRnYayRKZs4JuJt4aeGnH+iLVA3L+ybFxexLE"
    "BdC6jgrbNDprtE6ps/E8lGQHu2mokrpZ2HgWxjFDFm2g3CwRuhnYeAbShb/ZDJQJ3QxsPA"
    "NFRcX6FDRoCSpEX7sWtIQljfLJckGX6DZazwfGyq/Oqe5SzuCFUnY2qKLX2gzaFNJmTajm"
    "rKNi+tOMEUFDWCdkRsVMaop5poRVv1TPRhs60O4f81QkhEcJGSnHEGhBpzCh6xruHT3jHk"
    "52OIz1T+77YMpEwxdnKKrm4FWiON1nReebf326vLhL0/lgO9nXezIf0FaWxqxlE9N379y+"
    "0thm29IUyhNXbxyviTcJeCBmyqSTGblSngQh7CQVQw7cDtmkxii3g/7v3q5KNqGYQWuhUe"
    "sdRiHDu2Gcco5vMGi3ChVeQVqF2i1Ch+X9dUwbZwcLUWma7bbOKqnbPe+h6co+CGs9V4nS"
    "YfEjPMCufAbbd7JqOMGKt1uPsEA1DLoeYhecaJJV6ZB5Rbz0lWe8PgbEY/BLGisxBsWj8C"
    "szqUGDGpeSLXZ8D5RtxmBjKyzS9C6o5dmzTlbZZy1W2WdP7oprOazjen0vO/zz+kC2pY/p"
    "wiC+hp2p0qJ1cxJ52+7bk5HRpXPVujBeu/PcRSO93DR2lpH0wZwZt7LCIB83hJ/Ibsc0RW"
    "1BkAxw49JubIwjAMdG19yHJUs8eDCT1DRcYqQLNnyFjcbAH7KMgwS90mIM6fNFS/hK1w1P"
    "v7qVb0RO0r/tbntOKG0AGsMxbVieUziP5w4ez9aQ2Ekj95RGcNta53lzYKpp3we/qn2EpT"
    "p//l7hpMvb5uDe7F4rNpK+Wd1RkWxeEqxqgVBNM4l9crCd6w8xSJcakmUA60pG9Ro67XzP"
    "0/mIxQoMqTFj9+jmnj/AQ796ifI86ecnBrJz6VrPxRIkvyRSWAsWMosHqjMeR2E4Z8pjH1"
    "30zRMwijiGZTwg2Ny/5uhED+hKgjp57zWMM46WOBIvZpNUAN88NPTIgf07SmPOVtVeSz3g"
    "6+mA5EBc83xwIK/SReCBoKq7wT9jeL9FAJ3gD5+K2SiCJeRJCXYcBh70JiP1FfADPDrHSA"
    "Qc3hwGtBqoV/DGaRwzPl55Mr1DMosZ+zZkSQIMQnT4moyiZEZozArwMh8ZmdJbhkhS9Q7P"
    "lJAU51SGEZSZiiHWosCLOJhOWcz8nCE6eMNni2SmojbUXOOwNZmaGWBPRo38BXkdUSrga5"
    "hllnfYOTChLPqhfyI0yVNUmSBtFyuwa03wg8rtvTiPyue6pX/u3j1z+wdbXfYyFw/w9cUD"
    "ZHjLZlZKRG5Stj4p0Vjiuw0MehVKdx7cI1hjzILbzSzbJUo3BxvPgcsHsWPtaEMWub+GEb"
    "VMIzdBkl5B9e/ff37z9pL848Pld1cfr/Qub1R06qaUObOMMh8uL95Woy60mG6zhIs0fdCJ"
    "VqwqXWwqzRaV6gI2egsLobNA4UTOIhBcJDVexc35hU373kSD3ivD8IFok698Nl9ECe4fzf"
    "5AxRaDO1yCTNvhDVtZOQYZQgKESo2sPf4GUkNc0KZK5WqA2tQI9YImdYov/dmRFFWco8hf"
    "NbkK7epRLg/uAWkSWpz3ZWy6zRlQpHC5HYuHgPwQ1hnZFluS02wruuS42JjHlxxNtG0/c8"
    "AeyBH8QVkRG47fwt3Wo9fYIrsduT/NVrkB1lgnlQUvt8OqbGIlkyZq6RgXmY01N76Vjtnt"
    "di/NyMqNSVk5lUObSaPm0RA92lZDhmVsmO+Z1HCJt+Zxp7nU2VyoR6e3/tyVCu2EaDcsWK"
    "Sc3XAvdsPyjHTFS2WqHqp6dpJT2Dkb7liddujO64cMo+ryCzhgvy1WOjfYrwiBXkhPuQYA"
    "mt9sxZ/K265zfuCQxlOEYwJmrgAEKUzHOJrLqAjmqwof+gZiN+kNGKFCZrSSqhclS9ZlGd"
    "7+A2oLfeReb3oX0dKtK/VxMB9ZG5pcm76Ox0aVzJ0dTim0daUQ6pXrNgdO41U9Fw3F18PD"
    "zI0GUPabq3cXH/5VHx7RxvMDOYUvs02lybu/1KD1NC54uHc7kd/nXvV4WhZ82dcP15a2Ul"
    "WjkoKspaynScFHfKBziGADmTxTpsknixSLD2K32m1fn82PibekQZJ7zOOvgpd97nsuyxpq"
    "DRA2GioI4Klc/NKrH0MfCaY84exLonrChRf4MO5rriMN6AR94z1Z4FgWBhiYH6hXUvXC5E"
    "/ZHt3wsTAii7PXXkbxDYYfyET9KZd1FWHs8DoD5V4vsEwZwA7VUBAxo9qlHY+rEcVpks9R"
    "pRZNv/gLJgJgyg3jr4gcvKk9cM3p+Nc0EAFOq4AxpdwkyPKH6MovSpUKMHhUR0AAdmNE3A"
    "SLBfBnxKTRuzR7M4pavGvTH/Q9ZzINiz+k0KsKZIeVrnqeRvBixlqGjMEAj7rp0qOZRLF8"
    "WYyVjec6oEIGccCvzAqXN8YYinQ+h43QM1UQdHitLLaQvxJ8GQwzcWEogYfAD95FJbPZJE"
    "tNWfYuK5XgbWJp9bwrfQ18L8MwuIWVk7FBfrt6s/787up/PktPkWoeG5C+Ekau3pFvHsEg"
    "oIdHA/IIly8sB/zTjwNYtD7+uaCwpvxHfzj5fdA27F8qlRmW9IZ1ScCTwx+kuLMsg+62WJ"
    "KBXLz7vv2F5NhLoyvz236scm3saaxyo7Ebnt7q7hyh6XptiMXlnSc6GqxxTr5KrsVu5TFs"
    "oNrWrBp3XhbB3dU6TO/lUh2tA7IaRMzgyLp7ddIkYfNFQv5Cnmwy02rbtxiWIrhzWKqZK2"
    "PylYUmHSEGv0McdBab/VlschBiweoS0f44fXKyFz7vJDgpO0I7+5kbgj6u5NMuC/m0eR2f"
    "Vtmrg36H9gadOkq3G5dMjj4b1icEbnExLxL1cQWfd1nB580r+HxtBcPpVWdBa1B/mubON7"
    "oa0qPRuQUvCxSOnVV2Gqm5hp0txt0ClUv5uWlwWlGY7rrxFmn6F9uzE2iGLFtncXM6KdO+"
    "D+xt4eZO0kkVFOy2LC+QOc5vkMjL2CXqDIQtaT+KZL05HfcdZazNQJaHaJHMsf4+rJfCXX"
    "eZsELkgjjL+QBrMnm0pA3S7XuzgLeGrNdMrRZsraU96tqdW2MrWpLt99oClRNYNt1sCwZ+"
    "G5mlQtYHdLdrbRF6OdgAaNO+D7zdN3KW3jQWe3PW3h151Q1COXrZLNycwi1d+6WrXQ06A9"
    "+8vcO8xdp9cVTDxOZFmxG4NWu/ZjF/uH0cYZmqD3zfg+ZTxz9vUJWyROhiuDZGzK5k90PP"
    "QOZ3afsF+K6o3f21c8ol2+ZsLZD0YZff9+ladPm1XPJVUrfsjzBy9+/KS7IhYKhwd9AWLW"
    "RKLshWHYJ3Tc4WKmN1lvBfSEVCBGMcA4JU2IjP6sJyu5LKQCLGcYSqbshyJiM0CKb3pkkU"
    "Y6nhJA8Rgi51fhntiStkFRHGh4Xaa/JRMh0MhoOomusUnh3fQsdhRH1do8JEMxFvisEa1e"
    "pt0p6gS7YXB4DVTSLoh0+x4CRXgUqqukaQZLVPgC5kVTp8NXb/ApQ2EHubjrUHlEFui261"
    "zR7i8A4Bl0FW6xxvy4JepNp/GvSHOfd2kvDceTHuRS+tN+B1Jr+JopBR3gSmM6pqIDKQ7Y"
    "rNZsvZs87p/fu3pdX95qoK2z7/+OYS+C7Znid/rqvKHYtkqM8sSzC3RutEyM2lmI1mwPF+"
    "G7zXeMuS9wUqJ8UcoRTzMWGLpprP+lar/CKgUUfhBcP+tYO4UKmfvXHy5TH24Ok4cyGzVW"
    "phxOQGWjGseheIYXSLMf7ooyHzA+kY03VRZ5cP6paJSIai30d2cGmItrvNuTREe7XzPWRK"
    "9Yc+QXZvbDJ7W91R3R6Ys2fntt1vHtuLdZI59GzU5zmF055vYJt2ngB75LbGNJbKhALVHp"
    "UJD3Sw3U+ZcCBo/hMA2QY0b261ovksTU+3rGUybxgCbF7IK/VKYuYFjROT+T3L/mlSy+On"
    "rIB4lhRsDcTvoP9u2F2Vw3bw3cH3rxa+60+gO7zMCRy4rHPWDelqEz+BEl2fOLtn1aYzWe"
    "3FZBWlyTiyq8xeIOkji7eenSdTt3Z28jIEvWCvk1L7xu0DEZwukoSOZy0JoMsNBq3lGLKm"
    "nb26JsovSVkmFD36Q0WEEj+I2RgEGUwY/Jp4gNykG4t0i5KCECbgHZBJHM3Jkzq3r632vW"
    "UXKZcnc8M8mRipbCXwFAh2K+ocA18LyFwveQtZp0jSJ0y+NWkHNxz5twUOLNL0AqlUzEDP"
    "n3cxAz1/3mwGwnvrFcxkbm1klAWvq3SO3934LYL/2AQvm+Zuj6iVyOUarNOcNpdYKRC5Ki"
    "tViO3KHR+wMupApJw3YTS+Yf6PAPcbxJxKi0GbnDNSbYeylEk3SecnFEPQmoM0BKSLGxn2"
    "ARfHlKNH1ggro/jslbTjqGoA0oEL4StZBsksu5EK4ukReHVVkHfzIBkbc8tiWWjAI8g9FZ"
    "1irhmbFLpbhNirfOiM3jLgCYAcf6B6FwtZN2XEkiXG3wDJHDr3Jhg+4xFTjeaWhikTefWW"
    "rNcZ9e8rjx2KCNEzycxMkQ0iK9L0EI3tJN2++eBs+Fyk6SGfd+JsZnZ5a7xQJnR4YVPjlT"
    "wS1nnfHOuWEew/zO3kT5OUj5GvZJQGYRJw8Rgf+5eT/e/fWwt+OxDw9r1U1rZgt3KDVuim"
    "FL/2yK2kMZaF4kYMi/cpN/loiR71nip294osZxGBBzMC2AT1yaqkHraMlpxoYa4Juu3gSR"
    "K7CQZyTFKocqchloZtizhaCNM36vlumVcol5iPJmQT/RgR4QVZ4k4+B9uHTAgdeHzDFhhV"
    "oIqs6mBmmrkuxQw+LgE9JRHxWYJvLHEnzCzW9ZsvIuhyvIJeVtdcAkcK6BWDsTWlQ4EHiQ"
    "JdHV57ttZpK3C12bll5xTOBGtv8MaCnivYSGzwRpHmMCAHPu+oIUdJYTe2mQzV2k3D1qdh"
    "ZDcPIzcRO5qIGaOmhmfXySiQHMaEHL1M1MmW07JLNVpy7CbkeE7rnXA+k1FseF8iOozPoV"
    "f7k5Yw7aYkI3Gfw+acv2FsIYbNpuW2WLc1Wpc+p3v6HHETKOYJe8av0e6R8dmVo+V8xde0"
    "o2tKhcpl119zT3FOEl+tk8Qln8KNFlfwcoNBm559FnT2AeeYXpNjCCsl4zAY39T4cq+3kT"
    "rtkt82qo9VOJ7RMYcBvzFO3Epl7aVx6CmHAhpPWaJcH1SPBN0bEHZgb9D5LAVOeQPizWHL"
    "CDjz4PEDrRL3Zji/8m9skXIsPuNBF8AfnmfuHIdUZBr2z4LF317gfTkWeAJnyTKKb/SAYk"
    "CH+HEQfdnQXf2D6EJNHVXev53kE36SD/QEm7EvC+xJ2oI1ZSZewpQNZ/rbNl/uiaSBKcQf"
    "5KcfLj9ckrxLcvWRwKdG3n1++/bkd+cAb3cYOgf4/fO1gJlh4OtMbEnVo9v30H3iZQfniZ"
    "eNrhMvq44TRxNacCygDA4tG0OQbu6sQPZWII0AbPaFAonbGu7aGiQ8suFuRtBD3p51cVo7"
    "a/ZZO1tzWdPI0YbBBZIesvj8rAOLz88aWYy3qnoHS8HY5bDYQCIum70yCcaO82VCl6T3CF"
    "USV3wUfWnQRmT3Bm2KiABbddREEOnkNqaLBEvJ6qIZPELfuNvAx/oaAn3qJsEU79eFnNt3"
    "YCnOm75Rz3aHPC/fHNZ/zOidIj22gS6lPN8uyx+K+NkzqT6JhtLF0uboLtL08Ox+dtoFH0"
    "GrxtNb3qv4lMfR3J7TZSrH6268Funo36xOmGqrzJaR9ILL+5Zf6xd2W2hxw6Luseft1uOK"
    "C0eyHUCtUDqj2aYigoYvluwvUDnh4AiFgx8B+MKdBvGgcLdVQJirdhalPGLpaA/4XqL9LH"
    "h6QLC6JaJx5r8mIomwyYhNIh3SLMslmfIc9bU7ttazi4s5NIDvwNDewZDD+vvD+g547h94"
    "onuLlbdtRuCcn9s3m01iAZzj3FcLRD8CAmoqJadvtUJQGc3dDX9icQgVi51EJOLMVJ4emJ"
    "JuMo1PyPwpix8TbxaFPlZ00/5oaOljscnMo6q8Eax0Ul+FYhcPkn57ui9AjRlFzMbBIjDO"
    "ccSDj2DEZjScDKOJp0t0SyKMeResUBZDjkQFvwcT+chrDp2KaM5w3BgeDwM0ytLsgdqnTo"
    "0Ra4KnEl17+nrWDvtIipH511zxRaZAGuiS3BgKKvMaFUb6CMuBm/pTntxe9aNNib4kktwp"
    "MMeL4mAKp2ZY5I2eB5ULCa7hkOCBsG/gE0wOHdkc+12RiXSULCUSwBD6a67d/FG00EkCLO"
    "qDYEbtYV2Bv5KFQhcY1zR+yjqYKuQMDqHtXXYK1V3Z7RB34cLz04Vv9tNOT8UJwDV/x5N1"
    "Qqw/k0dIBgSP1p6svoGOT5VtxV1PVc1a37f4oXR7NqyOoUylcOfji323DyJftd3GAHe1Y0"
    "fr8/Nuq4//+UTNCJKph1aXnrlazDGF15yb6kbo1VLezbf47kwt0zhn1YMq9nNg2s7787S8"
    "W3RVD5Sp+uBjuYeUdRlysGB0kaZ/bN5JxrpC3iRbbteQboXpD1uobfcsd0kv97ODoPBkuV"
    "MXSByXO+7T+zdSHNguvW8bhUy7Z6PDzQgOQ4fbq3wuD+KEd2AfwB5sRVrDZsPlAoljcjfn"
    "u0w70h1wG4o+HpdbL0gYMyrqYhybGZxT9G8N7wRca+XxGotb7Wk5kXPq2tSf7sCNmV/BDB"
    "SsGHYzUCZ0M7B52BmFt91gAkp0bgvalP1oHrJnfoHKsX5T1vssDG7ZRh7tVVI3CZtOAuY7"
    "2mQGSnSO/RsjIEwJtRECKhG6Cdh0AkzIrI2AVaTpn4i1/XQRhl+WivUKWf84vRNh1jh92S"
    "h7izSHoe/tlc+udtha3+Ab3Cny9s6PooBUig5onXlZpXIcLXC04E3XnaFloq+dnwfiGn6R"
    "+kFTOtXs3qDNOZxiK9mkSypVkH/jlckcKklJGE0fE285i3KX5gVOfxQ/EsYLekAoVtqCC4"
    "uYTYIvmGnVAyhbU2B2Vw+5O2Tx58zY7Hw49+LD6XJd7VvqgQ/IBonr5j201+3G8DyuT0va"
    "YnfOKHrI4/MuLD5v5vB5d/+hFqtzz4KcqzJ7N6G9TWpfL0wsI/9t5MicwlVZ2VxcpJOkTl"
    "psEd8NgeP6URYe/m+2aoDu+k47cF8E6ErdvQzCxT+uEB+/JhEPVxJDq8KoBmkr7JywL7K8"
    "rkoDUovPN+pIFVSQwDzD8AD14owK2w/IaKUjHhcsWoQybjOa8uA/zPQMYoASRYVHqE5Qsm"
    "Sja66vqjjGOV1hwGWBiH1ZBLAMhlSVT8Cp0HGMcF8R+RGDG1FCVNv7ZjpxssIWZQX5v8W5"
    "b9r38NDfiWu2+jLt1PSGooc83nJe8sOoWn1MW0JtzepxtGB29f8yCmfe2Dpe1QeuzXwUSN"
    "yEbH1CnFvlQ+vXcpBpOQNlQufWsekEhFQkQ8y0Yj8FVVI3CZtOQsxuo42cm8qEbgJsJuBA"
    "dBrvtVmuQbFRvD1o024Y815H9cZHnY1pOYuk7C+CKZeZpCKln6BiNorg5V4Tb0GFWEbwnj"
    "O4mOsCMIFRlGIaJtNgXfexs6c4LcNhaBmswzO3nMjzgNIZ7MRCVvoq1vncHAa+RtgHr8B9"
    "B4PHUWilQzPte6jfedpNhdaiQasubSd8PTTs9AOB/NgkrKRM6YDnEQLPjyofYGOe1OxuK+"
    "wUJqtgJ9R5QXR7mUufZz5ptZYxTIg5jqKbgLWa17bS5T3wpFNVb66qbgaWZhrtXG7LRC5h"
    "oTttD+e0FYzxTQJoMyrHe6dgO6YJOBScE0z5FX8b8JsmqFNq0I52oOkw4MOscEMXyBNx9m"
    "0SzBlBKuU4ozZVgQ732KVAndg6dglkRvIbxh8Jg2FagdDuHuTg0YHBoz3r3Q5tD9u94s2p"
    "fpzqp2fn8aHY3d0M4JXNbO7O3H7cYPQHmoxnLPmQNundyg1awehMNR3GaVf1G5a01A8gQK"
    "U1ZnlRgtfEg8um0o0qXZPyJAgzqhkVhI7HbAErTJUJSnl96cwdPEd5xKdixvJSPDydj1ic"
    "ucSnMZdO6solXhPKakLorUKWCHKxRE8cYB/jCJ4qyCxaQgcJg+6LFLDNobu9LO05pugcT9"
    "UD8CaWB/LxW5LFkegUlrTxlJcVgmgcBoijJR5Xo7vmHD38dbcwClmwaEHHLH8bcwVxuuGF"
    "rjOUD8wMK+Aav6vqTuKao7VclSTKexoD65EygEdeJeWaRLh0dDElrscMF1nIKLztLH8UFk"
    "KiQgnCcrDLGcsHmLFXNkHjviQbwI0bhqIHvrKpjWoWzD1EigMovnHUAkYHu776PK0AcEax"
    "Kwi8xtGTk73g3/OzLmGZZ81hmWdrVn25h9Ud/U3W/Ixgf4jryW7P/NOnZy/OXj47P8uO+u"
    "xK2wm/DqTkXm7By6y9Y2WVleYYswSlRTInEWwsEWRHts22WyLan/KhZuvdor5hB+FaBr3Y"
    "Lm3htP99ELh+oo1ZfyotOolcS2jcWf+PjU3F0qJUFDNYEiLBIqdU1StdkXkqEnNDRfzCYF"
    "UPcpetU/tvtX8pYymhKpNKZCVVI2KptvOITw2cfyTkRfGYfDL3ZQFYGW1PPMFgDfrCG4Ak"
    "cM2NkCElFaokBHaLJVDlGwQqnlhV2YQrHOgDjhKSLMsqpNTioRTmERmLjHWbYimWNRdOza"
    "GperG1eqlWvsJvgmkjtqgFwDUbhd4VDlag2OcBeFxCyAPq4bcvh+jPoTt2zgn6hPO2hp/1"
    "VmfB0AKF42gdR3Hzt3WZMTR94uieZRE8UG1kat28Txy/1xo+EPT7k1QMNwDf/GYr5tXK5c"
    "5oVzYnizgayxSTEQeUhkf8iMr0MgDyBAC+mIYqIgzOclaLajfpR6LXWSQShRe9BZoY8LUV"
    "dJVdynSXstPHxNPVg4UHnSwU2g18hLqMjmdE38008NdcjwpV42FEfaXtRioMs8k9jH0Gfd"
    "MlXXlEMWjEdBLONIGZMgaRL4BdObyAYPFtMGZoftCq/myocPgHnBHOmC9eQ+95YNwsCOVr"
    "xUyhZo7P1O6CGXQvmR+kjn4GCDwZMXjOSHtHa57Cw8ZhNL5x8XUHpIfHtWwDgE37HsLfnS"
    "SBX9Su1kY1fFf57hiYu2WkpjYqm7WaU/RytXZarC1rtbpU4awTltlSCyQ9ZPH2628YNLDO"
    "4+YMPUWaw0jR06sSwNoBYYPAiRJhn7bsPYuCCGNtPgjT3uVYvceqd7FCX6Ox6oLFwXh2Ul"
    "eaQt0ZtOa3zdvcJac3T8G2Bb+vxFJyTxjdLAA61FcF1s+fd0HWz583Q2u8Vznj4KOy4LBu"
    "3kPu7sT3Ap6YMF5zmjWDiALJ/kH1kQOJBz3Mfv9/I9XdVg=="
)
