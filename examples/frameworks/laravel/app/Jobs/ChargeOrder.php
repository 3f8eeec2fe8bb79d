<?php

namespace App\Jobs;

use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;

class ChargeOrder implements ShouldQueue
{
    use Dispatchable, InteractsWithQueue, Queueable;

    public int $tries = 3;

    public int $backoff = 1; // seconds, by ChangeMessageVisibility

    public function __construct(public string $order)
    {
    }

    public function handle(): void
    {
        echo "charged for {$this->order}\n";
    }
}
