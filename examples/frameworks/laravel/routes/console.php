<?php

use App\Jobs\ChargeOrder;
use Illuminate\Support\Facades\Artisan;

// php artisan order order-1, and php artisan queue:work sqs --once to have it handled.
Artisan::command('order {id}', function (string $id) {
    ChargeOrder::dispatch($id);
    ChargeOrder::dispatch("{$id} (later)")->delay(900); // the longest delay of SQS, in seconds
    $this->info("placed {$id}");
});
