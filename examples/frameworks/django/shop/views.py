from django.db import transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from .models import Order
from .tasks import charge


@csrf_exempt
@require_POST
def place(request):
    with transaction.atomic():
        order = Order.objects.create(customer=request.POST["customer"])
        # Once the worker can see the order.
        transaction.on_commit(lambda: charge.delay(order.pk))
    return JsonResponse({"id": order.pk, "paid": order.paid}, status=201)


@require_GET
def show(request, order_id):
    order = get_object_or_404(Order, pk=order_id)
    return JsonResponse({"id": order.pk, "paid": order.paid})
