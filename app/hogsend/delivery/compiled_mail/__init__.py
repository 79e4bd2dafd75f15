"""Compiled mails: what is the same in every mail of a template is computed once.

Inlining styles, finding links and writing the plain part look at the whole mail, and take three
quarters of the time of a mail that is rendered without this package (docs/decisions/0009).

1. `template_check` decides when a template is loaded whether it can be compiled: it must only
   print its values, and not compute with printed output.
2. `placeholders` renders such a template with a placeholder in place of each value. Mails that
   take the same branches give the same text between their placeholders.
3. `positions` finds the placeholders that stand where a value cannot change the derived parts, as
   in a text, and not in a class name.
4. `compiled_mail` inlines styles, finds links and writes the plain part for that text, once. Each
   mail fills its values in. `bodies.py`, which uses this package, compares a new compiled mail with
   the mail that is rendered in full, and does not use it if they differ.
5. `lru_cache` keeps the compiled mails that are used again.
"""
