# frozen_string_literal: true

# A local AWS SQS and Google Cloud Pub/Sub for tests.
module Lclq
  # The server didn't start; the message has what it said.
  class StartError < StandardError; end

  # The server has refused what a test asked of it.
  class ControlError < StandardError
    # The refusal's code, such as NotFound.
    attr_reader :code

    def initialize(code, message)
      super("#{code}: #{message}")
      @code = code
    end
  end
end

require_relative "lclq/controls"
require_relative "lclq/sandbox"
require_relative "lclq/server"
