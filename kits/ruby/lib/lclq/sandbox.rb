# frozen_string_literal: true

require "securerandom"

module Lclq
  REGION = "us-east-1"

  # An SQS account and a Pub/Sub project that nobody else has. Names in it collide with nobody's.
  class Sandbox
    attr_reader :server, :account, :project

    def initialize(server)
      @server = server
      # An access key that is an account's number puts a client into that account.
      @account = SecureRandom.random_number(10**11...10**12).to_s
      @project = "test-#{@account}"
    end

    # Options of a client: Aws::SQS::Client.new(**sandbox.aws).
    def aws
      { endpoint: server.endpoint, region: REGION, access_key_id: account, secret_access_key: "test" }
    end

    # Options of Google::Cloud::PubSub.new(**sandbox.google).
    def google
      { project_id: project, emulator_host: server.pubsub }
    end

    # Environment variables that bring AWS' and Google's SDKs here.
    def env
      {
        "AWS_ENDPOINT_URL_SQS" => server.endpoint, "AWS_ACCESS_KEY_ID" => account, "AWS_SECRET_ACCESS_KEY" => "test",
        "AWS_REGION" => REGION, "AWS_DEFAULT_REGION" => REGION, "PUBSUB_EMULATOR_HOST" => server.pubsub,
        "PUBSUB_PROJECT_ID" => project, "GOOGLE_CLOUD_PROJECT" => project
      }
    end

    # Deletes all that is in it. Needs the test controls.
    def reset
      server.call("POST", "test/reset", { account: account })
      server.call("POST", "test/reset", { project: project })
    end
  end
end
