# Shoryuken: a worker for a queue. The endpoint, the region and the keys come from the environment, as the
# SDK reads them: bundle exec shoryuken -r ./shop.rb -C shoryuken.yml
require "json"
require "shoryuken"

class OrderWorker
  include Shoryuken::Worker

  shoryuken_options queue: "orders", auto_delete: true, body_parser: JSON

  def perform(_message, order)
    puts "handled #{order.fetch("id")}"
  end
end
