from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    # Keys that are no text are written as JSON, so that `true` and `"true"` differ. Which keys these
    # are is known from the triggers.
    return """
        UPDATE "enrollments" SET "entry_key" = '=' || json_quote("entry_key")
        WHERE substr("entry_key", 1, 1) = '=' AND length("entry_key") < 100;
        UPDATE "enrollments" SET "entry_key" = CASE "entry_key"
            WHEN '' THEN '=""' WHEN 'True' THEN '=true' WHEN 'False' THEN '=false'
            ELSE '=' || "entry_key" END
        WHERE length("entry_key") < 200 AND "id" IN (
            SELECT n."id" FROM (
                SELECT "id", '$."' || "key" || '"' AS "name",
                    '$."' || replace("key", '.', '"."') || '"' AS "path"
                FROM (SELECT "id", CASE WHEN json_valid("definition")
                    THEN json_extract("definition", '$.key') END AS "key" FROM "journeys")
                WHERE instr("key", '"') = 0
            ) j
            JOIN "enrollments" n ON n."journey_id" = j."id"
            JOIN "events" e ON e."id" = n."trigger_event_id"
            WHERE CASE WHEN json_valid(e."properties") THEN
                CASE COALESCE(json_type(e."properties", j."name"), json_type(e."properties", j."path"))
                    WHEN 'integer' THEN n."entry_key" GLOB '[-0-9]*'
                    WHEN 'real' THEN n."entry_key" GLOB '[-0-9]*'
                    WHEN 'true' THEN n."entry_key" = 'True'
                    WHEN 'false' THEN n."entry_key" = 'False'
                    WHEN 'text' THEN n."entry_key" = '' AND '' = COALESCE(
                        json_extract(e."properties", j."name"),
                        json_extract(e."properties", j."path"))
                    ELSE 0 END
                ELSE 0 END);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        UPDATE "enrollments" SET "entry_key" = CASE
            WHEN "entry_key" = '=true' THEN 'True' WHEN "entry_key" = '=false' THEN 'False'
            WHEN substr("entry_key", 2, 1) = '"' THEN json_extract(substr("entry_key", 2), '$')
            ELSE substr("entry_key", 2) END
        WHERE substr("entry_key", 1, 1) = '=';"""


MODELS_STATE = (
    "eJztXetz2za2/1cw/pLuHdXjOI6TTXY7Y6ferXfTpDeP292pOyJEwhLXFKgSpBXd3v7v9x"
    "w8+BJJk7Qkyww+dBoTOCB4AOH8zsF5/H4wDz0WiMM3YcJjFn0IlwevyO8HnM4Z/KOidUQO"
    "6GKRteGDmE4C2d1V/eRDOhFxRN0Ynl/TQDB45DHhRv4i9kOOvc+I7v+KUDKlyZSRkBOPrs"
    "jRiMDQjMQz+C+MaUDCa+iDTd/4sosgwucuI0///OLoT4f4Pi904YU+n25+6IT7vyVsHIdT"
    "BmQRvOCXXxSL8L10dfDrr/APn3vsCxPY+vvBtc8CT/5bdcQO7MsiYkLA18sGfGT4LKc4xr"
    "8UQ1cL+fhAUgEb8Q/y8w8XHy7kTP9Kjg7+QPrFzVi+qbBovod08vnYjHTuTy95/DfZFyc9"
    "GbthkMx51n+ximchTwl8HuPTKeMsojHDN8RRgqvIkyDQC24WVjEo66JYkaPx2DVNAtwLSK"
    "0mkD07GI/fvf80/njxaTw+WNsnhiK3vvqRC5wE5sBUhWTAFKfw7Z+Pj589e3F89Oz05fOT"
    "Fy+evzx6CX3lfNebXvyhJpNxSw0leXb598t3n3BCIWxktcPxwR+ShsZ0nK1yxn2zL4r8fz"
    "OjUTX3Tf8S/+HDyvw33G5aAPMgW4Hsx7eLJZjTL+OA8Wk8gz+Pj44a2Ps/Zx/e/HD24Rvo"
    "9acik9/ppmPVhvzO+Iu/tzX21u5t3fvuzb0p5h5td3MfPz15cfLy2elJuqfTJ01b2WzbjI"
    "23NEgq9mnTOZGSDIabOzgq8JS+vsmdFPhgQt2bJY288VpLeBzW9V1vmh/Py08op1PJS/xu"
    "nLCW4D+ymNYId9PUKNnn0KmtVMfxPSJ3CwrXeOYL4gP7KewF7DUiInFnhMLTGP7zSBhJcR"
    "wxKkBKS3ksGPfILAw88o1zzUAcO5VSfpuvqpD6JTFfK4FvWMUZVS8CdPfNSICHFcGF8//0"
    "pMXxf3pSe/pjU7OwrTnFPgFo6naGPU5x28DeTxf/kufRXIjfgjxbv/nx7F+S4/OVbnn7/t"
    "3fTffcMrx5+/58fw6wN/DljMe1CkraeoeCIvt1UFB4DF2eCOLOQh+UAjoJkxgOjcAX8Wt5"
    "lOC/iPNfDoFTh3uCXMMRw25ZtJIt1arJfQe94lfcEWESwWFFBKosy1lI5tRTeo0adkSAlD"
    "h4vI19zyFwNGLjnPoBnJFA4cPJKLur+Sh6P65XeXTHsVIYcCb4z7LyY/WSvdRLiotXgs9e"
    "9QoUaUorkSS+d/j58+X3wzo4z/HYw68NRTyNZMOB/Moifja7v4OYz5EMQvoUhf3TVsre0w"
    "Zl7+m6sieSCU5twqqOjjAMGOXVvC4Sltg9AcpHyO+mTfv+/duCtD+/LIvzzz+eXwD/Jfeh"
    "kx8Xzo3cOTGjHCTwmMZVajbKo5rjuki4Ox1xICd3btNLwd7lZMkoBniwnLQ5V07qj5WT9V"
    "NFQaL2cjBHcA8hqDHHvnC5nwzcH3UAkUm9OmBa71IHsF9XdaAB1CtoDuonizgN8rg7ESyS"
    "Fohr+WfeSgGawCIKvcSNNWanPOSreZgIOYDsLgnpFZ9E4RJGek0YBfgOYyNjEMwHiN3xQc"
    "JveLjkh8QBjYHHY8F+SyfhyD/0FDI9JKCgbsjeMH8nYrc+3lI46hJFaJ0CT3eBtMsZjUmc"
    "RFwQj7k+KA2TVWZowc7U8/CmQ36MfpNUu3D0OYtQSsAuDNNpGQ0kxpEjtgioyzxlzQk58g"
    "qUI0mn+CM/OUS9ZOkLhh8aUSElj3PFgUawGCbJeOkrFywSIawKQYxMljBXRdfS2vPLAbIJ"
    "2Mk4yrhf8UTJXfPkvuuu2x7dNb/7mm58ciOTy48Efvvk3ee3bzveANWdbZvH9g+qbPVF9v"
    "WKU+7H3EUml8h6CeY9kxg7uN1haJ7oxGZDMDwGPztuw2DoVctg2VZkcF60dOFzmW547N7K"
    "fga5DmIn9tW9fpHZ//j4/l01s4tUJVZ7PkjK/5OGwG1h+4O/XCfcRXaSSeIHMYCVQ3ztdw"
    "e7P7WRS82G7LLNunTE4wDn5WPGIKNuFskCmb0F7afeGnjZjfV5qgfk/NFj4/a1H+VA6zoq"
    "bLLorNFao07vdSjoDt2WoUxqV6H3KrgRQxb1MG4WCO0K9F6BZOH1W4EioV2B3iuQN1SsL0"
    "GNlaBE9LVbQQtY0hifOm7oAl2v/bxnrPzqnOouPVAH/HhVY4XON4+azNC+6qjVvRaGaE40"
    "yUq5sGlL4iviJK8cY2keEYfBX9JAgn5vDoW/UjUeOlSYsTc48D3c58wcutgn8jSDc6R79q"
    "yVJehZgyXo2dFdvnT77iCy/1bkPTmWPiYLc/VQczKVejQeTiLr2/54MhdA8kJnnoiY8DAm"
    "E+V9xqpPnrto5M0ajdNLo9ifM3OVlZvkYY3LmxzWpXCGecSPR3hw6aszxuFNstMV92DLEg"
    "dezCQ1DZboXYcdX2EnF/hDlpEf401YhG7EnmhwmWt74OlP72SPzUiGd9xtzvBdf9wpF/Au"
    "LM8orJdFCy+LzoDYanb31Ozw2Frneb0zvOk/hLucXbjCWx+iQeGki9v6gIK0rREbyfug9q"
    "hIdi8oVpVAqKKbxD4Z2HZSxx8MDKCGZOnDvpKRBIZOO/zwZD5hkQJDas44PLrWZC9w0JdH"
    "ojxH3i2KkRxcuvNwsQTNLw4V1oKNzKKRGoxHYRDMmfISQrcg8waMXIhgG48IdveuODruAL"
    "qSoE62vYZ5RuESZ+JE7DoRwDeHzKjy+flPmEScrcqjFkbAz9NBEL644tnkQF+lC98BRVUP"
    "g/+M4PsWPgyCf3hUzCYhbCFHarBu4DswmowOUsAP8OgcvZ9wenOY0GqkPsFxkyhi3F05Mq"
    "QsnkWMfRuwOAYGITp8TSZhPCM0Yjl4mc2MTOktQySpRod3SkiKaypdl4pMxbAOkeNF5E+n"
    "LGJexhDtMOaxRTxTnmJqrXHamkytDLAnpUb+gr6OKBXwNawyywZs7QxVVP3wThS6ZGHxJj"
    "DE+idt2z/pQfX2Qcijolzv6BOwc2+A4cFWmzHB+iB9fT5IKd7qsioFIrsoG1+U0JX4rsd1"
    "XonSyoN7OIi5zL/tswYlSrsGNgZtX62jNZkr/haEtGPqimskGRRU//795/O3F+SnDxdvLj"
    "9e6lPemOhUo9Q50yjWDxdnb8ueXlpN77KF8zRDsImWblXa3KnU36iUN7CxW3RQOnMUVuXM"
    "A8EFLFCFpKvLaWb6D8YD/V5ZzfbEmnzpsfkijPH8qPcHyvcY3eESZPqOb9iqk2OQISRAqM"
    "zIEYOlFvFIWohz1lRpXPXRmhqiXdCEa3r+FHojKZo4J6G3qnMV2tarbO6tPbIkNIRGyniY"
    "LjIgT2HzyeSFgPwhrDPye/m8RhCkNOUEJ6tYmW2Gzcbzf3+6OHtcHv7DzDu1JyL4g7pFrB"
    "G/udZG0WvuItuJ3J9nq+wC1txOqhu87B5WZTAoXGmilY5xkd6xZpdvBTG72eHlNbJyY1K3"
    "nMqhzaRucGiAHm2rMcPU2cxzTDqK2FnzuNNcan1dqGenj/7MlQrvCfHeMHcjZe8Nd3JvWF"
    "yRtnipSDVAU89W8phZZ8Mtm9P23Xl9n2FUVUyTBfabYqV1g/2KEOiZ9JSrAaBZYyP+VN52"
    "rXOSBTSaIhwTsHI5IEhhOdxwLqMimKeyCusGxG7SGzBEg8xkJU0vSpesymy2+RdUJhfOvN"
    "70KaK1W5teeG9+ZE1ocm35WoqNMpmVHdYotHGjENqVqw4HTqNVNRcNxdfDw9SNBlD2+eW7"
    "sw//rg6PaOL5nkjhi/RQqfPuL3RolMY5D/d2Evl95lWP0jLny74uXBv6SlONyli5liaTxj"
    "kf8RFJeCzjGxmRCXtkak6ySLDgCQ6r3fa1bD4kzpL6ceYxj3/lvOwz33NZSkVbgLDTWEEA"
    "R+X/lF79GPpIPqHTOfsSq5Fw4/kezPuK60gDeo2+8Y4sqiaTkY7MH2hXUjUK5J+yP7rhYz"
    "EWFqWfvQyjGww/kMlBEy5rucDc4XNGyr1eYGkEgB2qoyBiRrVLO4qrCcVlku9R5V3MuPgX"
    "LATAlBvGXxE5eZPv9IpT97fEFz4uq4A5JVxHXDJvjK78opAdFYNHdQQEYDdGxI2/WAB/Jk"
    "xeehdWb0bRindlxsMghmQ+h5PIMalPdXyrzLCajQlbk8V4dRYTB4EXjKVynra0wRWylRZ1"
    "36JRB1YhkreOd+Uxhf06DvxbWLl018jfjj4sP7+7/O/P0lOjnNEUtJ+Ykct35JsnMAkY4c"
    "mIPMHtA8uB//QiHzaNh/9cUFhT7wno+6Omaf9aysa6pDdMZ2lt+oIc/ECKO1Ox6mHzaVjJ"
    "2bvvmz9Izr0wuyK/u89Vbo0dzVX+0LtNTx81d87QDL02xfz2lo0y3e1ojXPyUzIrciOP4Q"
    "DTd72qc+tt4d+dodeMXkzP2zihTpOIGIiMu3cnjWM2X8TkO3LUZ6XVsdthWorgzmmpbjZ1"
    "8VcWGvQIMfAd6pi9MdndjUkGQjqwukC0O04fHOyEz1sJDkpFaGs/b0MwxJ183GYjH9fv4+"
    "Mye3XQ7bj7hUoVpT2NC1d+HhvPqKhwnW1w8c4TDXEHn7bZwaf1O/h0bQeD9Kq6waoxP5ru"
    "1je5HFKj0XkHXuYoLDvL7DRacwU7Gy5Xc1Q25Wbf4LC8Mt324M3TDC+2ZivQDFm2zuL6dE"
    "6m/xDY28DNraRzyhm4u7I8R2Y53yORlrkXqLqga0i7kScbjHTcdZSvvobpKETzZJb192G9"
    "VO7a64QlIhtEWczHV5FJoyFtj+4/mA28MWS9dtXZga2VtI+6Xs/G2DoNadD9rM1RWYWl72"
    "Er7/077OK0vz0cyqxULildMHJGYeFxd3isL2VbQ4Ssv0UH+RotUVjBxPpNmxLYPdt9z2Km"
    "4+4RT0WqIfB9F/VyVaRmj+pDBUIbbdIbW9iCZg+9AqmHWtdfgGfLb93fjqF8V7vI1hzJEE"
    "75XUvXvHNkxy1fJrXb/hHGGP5D+ZPVhDbkWkdNcQ0mObzs1SLM0GSXoDKqYAn/w7K0BMvS"
    "YuiCcnD3WFUAYVtSGfLAOM5QVThYzqQvO8FExDQOIyBkcRbMAEPqTBjaZ1H60qs6uamTv3"
    "yVTFyBOfCXMx9TXcC7o1sYOAipp7Ppm7gL4kzRrb1cZ0paXokiz08A6zCEMA6fYmk8rkIq"
    "VB0AP06rNABdwMp0+Gns/qXyukDsTbog7lGuqw06INb70sI3+FyGg6xzvClfc55q9wmbH0"
    "bubSU1s/X32om/lz6AK25jwzBglNeB6ZSqHDIJZNtiszlydmxzev/+bWF3n1+WYdvnH88v"
    "gO+S7Vma2grDNAbs9SwLv0ZrVcj+WkyvFbC83wTvNd7qfC/GrSPfI9ZiPsZsUVedVjc16i"
    "8COrVUXjBAWbvSCpWk1nHjL4c4gqPz0gqZV08rIyaLyYphfS5fjMNbjEbG22yZyURH462r"
    "Ott8UbucKTJo1yZM2ZffWpM+YROmbOGe7yGTPz+0BNn+ZZM526pEdXMIw47dgLZ/eGwuKk"
    "Rm++piPs8orPW8x9209QTYIbc1puloTMhR7dCY8ECC7X7GhD1B858AyNagedPUiObThCbt"
    "8ivJDEcIsHkuYdEriZkXNIpNjuo0T6FJgo0/ZQXE0/RFayB+C+O3w+6qcK+F7xa+f7XwXf"
    "8E2sPLjMCCyypn3YCu+vgJFOiGxNkdmzbtldVOrqzCJHbDbjWkcyRDZPHG85ik5tbWTl6G"
    "YBDstVrq0Li9J4rTBZ9CQ2Oq2nyHUZMSNfPb5qg94+hTxVFvocQNfPemssBfuY/KSRuqpK"
    "ipf5TCYEYnCnx+MyLXUTjHkCaZdTWJAl0/CDPJx+pmRI1IHNDz0Q1G5aN1ZglwChPEzqk7"
    "8zlz4PUmwa0zw+0g/409Ei6SiGG6WOAPz9y13IAKYWbzWbDo27OpTJMLc4E3cBZjmlg9oS"
    "jhLv4siH5s6C5/IiY9a40CV9LSiokU04nelUwRl2w80z9o85s9GFXkUEyHtHkUd59HESNZ"
    "O6l5OYLtKniPga+56xmYeKf7Gd1/EBiiCNFetkBoL2sB2ssyPjOncgfdOU9i41zXwnqioA"
    "v+0t0t+uqOdTUC6HIu5Ejs0XDX0SDhURfupgQD5O3mK89p5NiFwTmSAbL49KQFi09PalmM"
    "TbaE2sMaLnMaTDfOFwmtZ+Yj9My85JPwS401Im0bNRkifOzV0hIhS6cQly5i0OY9HSnFQ7"
    "KIwlusI4NqPazItT/F9qrwsu4D3CPeal80wYEp2HE4ZriOXaRonmaAYvTZcRuoAr1qBals"
    "K8WbROG8O6eLVJbX7Xgtksl/WJVe0xQZn5IMgsu7ViWrN3ZTnb+aTW3r/DXW+SvccWvJ2y"
    "MbQZFyW3B9qL5JheryPdifo7I4/RHi9B+ZENBSg9RzrY1Yfa76dQilitC3EaG2BN7yMg9B"
    "brEatIjDSNY/vA51KUZVm1LHA1THTm1sZAvw9w3gWzC0czBksf7usL4FnrsHnuhpUuGSVp"
    "+LJSXYfRqWg79cJ9xFppJJ4gexz8Uhvu+7g92vx3aSswCa7JeSrEBodYBHCEQ/AgKqC+XX"
    "TY0QNM0T3y74RwonEoeyXLrO/DUyIfU4FgmYN2VRcyHxGVVR9gQjzaqjgLbxIulCp13LSv"
    "W+9RueCON69po4xsaZjqybdFlwKkgCoBh94HScrXPF8VzRnU0uAvgGnEbhc9sFJaEb77gq"
    "q0BDaWMvaVPOWq76GPrKvdDg+qaGayytnEul2uqtyAxc6DvejKUuE0H+Sp4gGRZN7lkzWb"
    "+1f7lkLH2tZoMUqnZ0VUVp6w64C2Vm38sqPwbu7lUk3Z6Zsu7P0werVL1nnNxBoepUQnZg"
    "dJ5meGzeSu4R3wMoE8aMu52rgleQboTpe5QBdSssR/AYdKwOnqcZoPFoKycIAvaOJ3WOxH"
    "K55Tm9ewv0np3SuzZAL6KwKma03kCXEuyHgQ5fOxgD3YN4WO3ZD2AHFwHaPtOFyzkSy+R2"
    "nlWpJaQ94DYUQxSXG4/27168yxbu6giutZF0jcWNlyUZkfXY6esstec3VV/BCtiKaQ+9An"
    "j/0WcBCnT2COrLfoFG6x7VBlIqy/q+rPdY4N/2q5hZJrWL0HcRMK9MnxUo0Fn290ZAmHqn"
    "FwIqENoF6LsAJjSxi4KVpxmeirX5sHzDr46G9RLZ8Di948IA9cbehsoA1iHz/vZe7Zi0fs"
    "DXuFNk/b92P4o98ao8Szy/Lilg2jZq8quk2Et2aZMQELSLaGXy30lSEoTTQ+IsZ2Hqfmgq"
    "sWZOiiNCyQ1bwYNFxK79L5gv0AGg4FRmFNzKSzZcPtW6xfV0i7NpWnYNJOFX0wXc6O4DvA"
    "LZzl2eW51Rr+EqL6UYII9P27D4tJ7Dp+1dMhou8gYWFFhWg9rpQU2K0BqXVaRsF2ieUdwL"
    "mD8eNLgVBE6v4yoA3qARGQLL9W5c3xPE/k+2qsHruqUZrS989E5tn8H77KdLBMWvSciDlQ"
    "TOnj9lIq1OpABzzL7IsqMqbL4SlPcaSOUCl2g8Be4A9bLiSNh/RCYrzMjlzsiChYsAQ/zd"
    "cMr9/2VmZMD+YeRPQf92CNUB/Us2ueL6qYp0mtMVRjrliNiXhQ/bYExV5m9cCnItc5VDuy"
    "LyQqbKraq+VlfYI11B/r+D3Df9Byj0t+Ltqn6Z3SyfhmKAPN5wSl11Pq5z93v5vOb6MKXZ"
    "VMj/YzoSqgL4hRsuWCebcUZhLcYbx6ta4HZZjxyJXZCNL4j1VHto+1oGMjuuQJHQ3pT3XY"
    "CAiniMKQ66L0GZ1C5C30WI2G3Yy1+kSGgXoMsC7IlN472+i6sxbOSbR03WDXOn19K88TGc"
    "M8y6spyFUvcX/pTLzCuhsk9QMZuE8HGvibOgQixD+E4smZnZApY+7LYkJpSYDuu2j629xV"
    "oZ9sPK0DnibcOJ7/YoQnwrN2SFX8U6n+sja9cIh+Botev42igMOtnQTP8B2neetjOhNVjQ"
    "ylvbKl8PDTs9XyA/+njqFykt8HyEwPOjSqVWm1cwbW2EncIkZGuFOs+I7i9zT/PUEa3yZs"
    "yPsa5MeOOzxuu1jQx5DzxpTdX9TdX1wNIsY6eMZSUimwPOStv9kbaCMd4nJjGlsry3BrbH"
    "tAD7gnP8Kb/kb31+Uwd1Ch2a0Q50Hft8nCY6bwN5Qs6+jf05I0ilHGfUoSrQyx6HFGgTW8"
    "cuvkwsfMP4E2EwTCMQ2t6LLDzaM3i0Y7vbvp1h2ze8WdOPNf0MTB7vy727XQF80u/O3V63"
    "P24w+gON3RmLPyR1drdih0YwOlNdx1HS1vyGJeD0CwhQaYtZluf9NXHg8dj35P0rBo+viC"
    "w1nlLNqCDUddkCdpi0rUH/6lJzW3iP8ohPxIx5qUc8T+YTFqUu8UnEpZO6conXhLKMB3qr"
    "kCWC3EPiwExxDDeEtwoyC5cwQMxg+DwFHHPobi9L4bkUneOpegE2YpUPD39LWPXDoVPY0s"
    "ZTHsdgNAp8xNESj6vZXXGOHv562Pvi6j1I6v+oUXaLy221RzuhwJRiWzhwjaMHBzsBgacn"
    "bWITT+pjE0/WrrblD7lK/tVdaacEu4MdR9sVfMdPT16cvHx2epLKu/RJk5hbRxPyQOvAy7"
    "S/ZWWZleYs74jM8mQWFj9ibPYzrc0KUurRCp0toXNrUyF2VoY7WgBQEYMtIWKszktVTbMV"
    "mSciNg0qOBAmq0aQe7HKQrjR8SUcU/grxT2y2ppBY6rvPORTg8SeCPlQHJJPph0LdxEZmE"
    "scwWAPesIZkTC64gpDRdIFEKa1pDeAq24Buagv8FXooarlBU840PvcZY6EZNCKONBBwOYQ"
    "GbaIVTMiieDqy7NlAlx92FpVtk5uhef+tPYEroQJFSeFFvh7C7t2qT0/Lqj2kJkkNo7W9M"
    "+hPcLICIYkDTeGMvRR14GhOQrL0SqO4uHf9Xbd0AyJozs2ZKJA7aJ56O5D4vi99vCeoN+f"
    "ZUXdGuCbNTZiXlWVtz3aVUV8F1HoyhR0IQeUhiJ+QmUmCgB5AgBfRAMVPAKynFWi2j7jSP"
    "Q6C0Ws8KKzQGskfnauvrBMhycHPSSOrt0oHBhkodCu7yHUZdSdEd2q3iaNfXpWaMkMQuqh"
    "HVNFvaBHfuaM6DEsLrykK4coBk10teIwiWGljO30C2BXDh8gWHTruwwtlepF2VRB+PucEc"
    "6YJ15jJeI0hmbmB/KzIqZQM8d3as+iFLoXLJXSWjoDBB5PGLxnoh0pNU/hZW4Qujc2FGeP"
    "rJW4l7sAYNN/gPB3Kyl4F5W7tdZY2Va/ewzM3TBSUwdVJ++VlGKQu7XVZm3Yq+WtCrJOdE"
    "ysmCMZIIs3n/3coIF1Htcn88jT7Ec2j0EVYNS3tT18rAuEQzqyd6wKIozt8oMw/W06xnvs"
    "ehtW8DVeVp2xyHdnB1Wp61XLqDEVZtbnLj29fgk2rfh9JTcl94TR9QqgRX1lYP38eRtk/f"
    "x5PbTGtpKMgx9VBw7r7gPk7layasIbY8YrpFk9iMiR7B5UP3Ig8aDC7I//BwbUTKA="
)
