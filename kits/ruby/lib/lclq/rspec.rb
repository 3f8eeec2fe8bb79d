# frozen_string_literal: true

require "lclq"
require "rspec/core"

# `require "lclq/rspec"` gives examples with `lclq: true` a sandbox on a server that the run shares, and those with
# `lclq: :alone` one on a server of their own, for examples that move the clock or set faults. Both get it as `lclq`,
# and SDKs are brought there by the environment.
module Lclq
  module RSpec
    @lock = Mutex.new

    # The server that all examples share.
    def self.server
      @lock.synchronize { @server ||= Server.new }
    end

    # The example's sandbox.
    attr_reader :lclq
  end
end

RSpec.configure do |config|
  config.include Lclq::RSpec, :lclq
  config.around(:each, :lclq) do |example|
    own = Lclq::Server.new if example.metadata[:lclq] == :alone
    @lclq = (own || Lclq::RSpec.server).sandbox
    before = ENV.to_h
    begin
      ENV.update(lclq.env)
      example.run
    ensure
      ENV.replace(before)
      own ? own.stop : lclq.reset
    end
  end
end
