# frozen_string_literal: true

require "lclq/rspec"
require_relative "clients"

RSpec.describe "orders" do
  it "are queued", lclq: true do
    queues = Clients.new(lclq) # with the SDK: Aws::SQS::Client.new, which the environment brings here
    queues.send_message("orders", "order 7")
    expect(queues.receive("orders")).to eq ["order 7"]
  end

  it "come when their delay has passed", lclq: :alone do
    queues = Clients.new(lclq)
    queues.send_message("orders", "order 8", 900)
    expect(queues.receive("orders")).to eq []
    lclq.server.clock.advance(900)
    expect(queues.receive("orders")).to eq ["order 8"]
  end
end
