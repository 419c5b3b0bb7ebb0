# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers questions about JSON: pairs of a document and an expression, each with a zero byte behind it.

Says a line for each: "true", "false", or "= " and the value, when the expression begins with "=".
"""
import json
import sys


def fields():
    rest = b""
    while data := sys.stdin.buffer.read1(65536):
        *whole, rest = (rest + data).split(b"\0")
        yield from (field.decode() for field in whole)


source = fields()
for document, expression in zip(source, source):
    try:
        value = eval(expression.removeprefix("="), {"d": json.loads(document)})
        answer = f"= {value}" if expression.startswith("=") else "true" if value else "false"
    except Exception as error:
        answer = f"false: {error!r}"
    print(answer.replace("\n", " "), flush=True)
