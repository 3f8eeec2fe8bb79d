# frozen_string_literal: true

module Lclq
  # A running `lclq start` on free ports of loopback, in memory unless flags say otherwise. It ends with stop, and
  # with this process, however that ends.
  #
  #   Lclq::Server.open { |server| puts server.endpoint }
  class Server
    START_SECONDS_MAX = 20
    STOP_SECONDS_MAX = 10
    LOG_LINES_MAX = 1000

    # What holds where no flag says otherwise: free ports, one core, no file of the working directory.
    DEFAULTS = {
      "LCLQ_CONFIG" => File::NULL, "LCLQ_SQS_PORT" => "0", "LCLQ_PUBSUB_PORT" => "0", "LCLQ_PUBSUB_REST_PORT" => "0",
      "LCLQ_ADMIN_PORT" => "0", "LCLQ_CORES" => "1", "LCLQ_SHUTDOWN_MS_MAX" => "1000"
    }.freeze

    attr_reader :pid

    # The path of the binary: what LCLQ_BIN names, else one on PATH.
    def self.find_binary
      named = ENV.fetch("LCLQ_BIN", "")
      unless named.empty?
        raise StartError, "LCLQ_BIN names #{named}, which isn't there" unless File.file?(named)

        return named
      end
      path = ENV.fetch("PATH", "").split(File::PATH_SEPARATOR).map { |directory| File.join(directory, "lclq") }
      path.find { |file| File.executable?(file) } or
        raise StartError, "the lclq binary isn't on PATH: name one by LCLQ_BIN"
    end

    def self.open(*args, **more)
      server = new(*args, **more)
      yield server
    ensure
      server&.stop
    end

    # Starts it and waits until it is ready. args are flags of `lclq start`, env further variables: those of this
    # process that begin with LCLQ_ aren't taken over.
    def initialize(*args, binary: nil, env: {}, test_controls: true)
      ours = ENV.keys.grep(/\ALCLQ_/).to_h { |name| [name, nil] }
      ours = ours.merge(DEFAULTS, { "LCLQ_TEST_CONTROLS" => test_controls.to_s }, env)
      @said = {}
      @log = []
      run(ours, binary || self.class.find_binary, args)
      wait_until_ready
    end

    # The URL of SQS.
    def endpoint = @said.fetch("sqs")

    # Host and port of Pub/Sub, as PUBSUB_EMULATOR_HOST wants them.
    def pubsub = @said.fetch("pubsub").split("://").last

    # The URL of the admin API, the metrics and the web console.
    def admin = @said.fetch("admin")

    # The last lines that it has logged.
    def log = @log.join

    # An account and a project that nobody else has.
    def sandbox = Sandbox.new(self)

    # Its clock, for tests to stop and move.
    def clock = Clock.new(self)

    # Its rules of which requests fail.
    def faults = Faults.new(self)

    # Deletes everything, for all sandboxes.
    def reset = call("POST", "test/reset", {})

    # Asks the admin API for anything: call("GET", "queues").
    def call(method, path, body = nil)
      uri = URI("#{admin}/api/v1/#{path}")
      # Proxies of the environment are for others: this is loopback.
      answer = Net::HTTP.start(uri.host, uri.port, nil, read_timeout: CONTROL_SECONDS_MAX) do |http|
        http.send_request(method, uri.request_uri, body && JSON.generate(body))
      end
      return JSON.parse(answer.body) if answer.is_a?(Net::HTTPSuccess)

      error = begin
        JSON.parse(answer.body).fetch("error")
      rescue JSON::ParserError, KeyError
        { "code" => answer.code, "message" => answer.body }
      end
      raise ControlError.new(error["code"], error["message"])
    end

    # Ends it and waits for that. Once it has ended, it does nothing.
    def stop
      return unless @waiter

      waiter, @waiter = @waiter, nil
      @stdin.close
      unless waiter.join(STOP_SECONDS_MAX)
        Process.kill("KILL", pid)
        waiter.join
      end
      @readers.each(&:join)
    end

    private

    def run(env, binary, args)
      input, @stdin = IO.pipe
      output, out = IO.pipe
      errors, err = IO.pipe
      begin
        @pid = Process.spawn(env, binary, "start", "--stop-with-stdin", *args, in: input, out: out, err: err)
      rescue SystemCallError => error
        raise StartError, "lclq can't be run: #{error.message}"
      ensure
        [input, out, err].each(&:close)
      end
      @waiter = Process.detach(@pid)
      @lines = Queue.new
      @readers = [Thread.new { listen(output) }, Thread.new { keep(errors) }]
    end

    def listen(output)
      output.each_line do |line|
        word, name, url = line.split
        @said[name] = url if word == "listening"
        @lines << :ready if word == "ready"
      end
      @lines << :ended
    end

    def keep(errors)
      errors.each_line do |line|
        @log << line
        @log.shift if @log.size > LOG_LINES_MAX
      end
    end

    def wait_until_ready
      late = Thread.new { sleep(START_SECONDS_MAX) && @lines << :late }
      outcome = @lines.pop
      late.kill
      return if outcome == :ready

      waiter = @waiter
      stop
      what = outcome == :late ? "isn't ready after #{START_SECONDS_MAX} s" : "ended with #{waiter.value}"
      raise StartError, "lclq #{what}:\n#{log}"
    end
  end
end
