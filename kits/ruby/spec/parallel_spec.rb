# frozen_string_literal: true

require "lclq/rspec"
require_relative "clients"

# RSpec runs examples one by one; what runs at once here are the sandboxes of one example's threads.
RSpec.describe "fifty sandboxes at once" do
  it "have what is sent to them", lclq: true do
    outcomes = Array.new(50) do |number|
      Thread.new do
        clients = Clients.new(lclq.server.sandbox)
        raise "it isn't empty" unless clients.receive("orders").empty?

        sent = Array.new(5) { |n| "#{number}/#{n}" }
        sent.each { |body| clients.send_message("orders", body) }
        clients.publish("events", number.to_s)
        [sent == clients.receive("orders"), clients.pull("events") == [number.to_s]]
      end
    end
    expect(outcomes.map(&:value)).to all(eq([true, true]))
  end

  it "find the SDKs' variables set for one example", lclq: true do
    expect(ENV.fetch("AWS_ACCESS_KEY_ID")).to eq lclq.account
    expect { lclq.server.faults.remove("none") }.to raise_error(Lclq::ControlError)
  end

  it "leave none behind" do
    expect(ENV["AWS_ACCESS_KEY_ID"]).not_to match(/\A\d{12}\z/)
  end
end
