<?php

// The part of config/queue.php that is about SQS. Laravel gives the SDK what stands here, and `endpoint` among it.
return [
    'default' => env('QUEUE_CONNECTION', 'sqs'),

    'connections' => [
        'sqs' => [
            'driver' => 'sqs',
            'key' => env('AWS_ACCESS_KEY_ID'),
            'secret' => env('AWS_SECRET_ACCESS_KEY'),
            'endpoint' => env('AWS_ENDPOINT_URL_SQS'),
            'prefix' => env('SQS_PREFIX'),
            'queue' => env('SQS_QUEUE', 'orders'),
            'region' => env('AWS_REGION', 'us-east-1'),
            'after_commit' => true,
        ],
    ],

    'failed' => ['driver' => 'null'],
];
