"""Places an order as a browser would, and waits until the worker has charged for it."""

import time

from django.core.management.base import BaseCommand, CommandError
from django.test import Client


class Command(BaseCommand):
    def handle(self, *args, **options):
        browser = Client()
        placed = browser.post("/orders", {"customer": "Ada"})
        self.stdout.write(f"order placed: {placed.status_code}, paid: {placed.json()['paid']}")
        for _ in range(300):
            order = browser.get(f"/orders/{placed.json()['id']}").json()
            if order["paid"]:
                self.stdout.write("the worker has charged for it")
                return
            time.sleep(0.1)
        raise CommandError("nobody has charged for it in 30 s")
