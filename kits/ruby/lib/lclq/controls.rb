# frozen_string_literal: true

require "erb"
require "json"
require "net/http"
require "time"

module Lclq
  CONTROL_SECONDS_MAX = 60

  # The server's clock, which all its sandboxes share: tests that move it want a server of their own.
  class Clock
    def initialize(server)
      @server = server
    end

    # Has time stand still.
    def stop = @server.call("POST", "test/clock/stop")

    # Has time go on from where it is.
    def resume = @server.call("POST", "test/clock/resume")

    # Jumps ahead by seconds; all that becomes due meanwhile happens.
    def advance(seconds) = @server.call("POST", "test/clock/advance", { ms: (seconds * 1000).round })

    # Jumps ahead to a Time.
    def set(to) = @server.call("POST", "test/clock/set", { to: to.getutc.iso8601(3) })
  end

  # Rules that have requests fail; docs/testing.md of lclq has what a rule may say.
  class Faults
    def initialize(server)
      @server = server
    end

    # Sets a rule and answers its name.
    def set(rule) = @server.call("POST", "test/faults", rule).fetch("name")

    # All rules, each with its name, the rule, and how many requests it matched and fired at.
    def list = @server.call("GET", "test/faults").fetch("faults")

    # Takes one rule away.
    def remove(name) = @server.call("DELETE", "test/faults/#{ERB::Util.url_encode(name)}")

    # Takes all rules away.
    def clear = @server.call("DELETE", "test/faults")
  end
end
