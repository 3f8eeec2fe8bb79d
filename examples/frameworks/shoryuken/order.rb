# Makes the queue, and sends orders for the worker.
require_relative "shop"

Aws::SQS::Client.new.create_queue(queue_name: "orders")
(1..3).each { |number| OrderWorker.perform_async({ id: "order-#{number}" }.to_json) }
