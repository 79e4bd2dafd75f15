"""The compiler of mails: computes once what is the same in every mail of a template.

Inlining styles, finding links and writing the plain part process the whole mail. Without this
package they take three quarters of the time of a rendering (docs/decisions/0009).

1. `template_check` decides when a template is loaded whether the template can be compiled. The
   template may only print values, and must not compute with printed output.
2. `placeholders` renders such a template with a placeholder instead of each value. Mails that take
   the same branches of the template have the same text between their placeholders.
3. `positions` finds the free placeholders: they are in positions where a value cannot change the
   derived parts, such as in a text, but not in a class name.
4. `compiled_mail` takes the text with its styles inlined, finds its links and writes its plain
   part, once. Each mail then only fills in its values.
5. `lru_cache` keeps the compiled mails that are used repeatedly.

`bodies.py` uses this package. It compares each new compiled mail with the mail that is rendered in
full, and discards the compiled mail if the two differ.
"""
