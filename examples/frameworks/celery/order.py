"""Has the worker compute and charge: celery -A shop worker must be running."""

from celery import chain
from shop import charge, total

results = [total.delay([1, 2, 3]), chain(total.s([10, 20]), charge.s())()]
for result in results:
    print(result.get(timeout=30))
