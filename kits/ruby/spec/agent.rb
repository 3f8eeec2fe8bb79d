# frozen_string_literal: true

# Answers kits/contract/run.py by lclq for Ruby.

require "json"
require "lclq"
require_relative "clients"

$stdout.sync = true

class Agent
  def initialize
    @servers = []
    @sandboxes = []
  end

  def start(args:, binary: nil)
    server = Lclq::Server.new(*args, binary: binary)
    @servers << server
    { server: @servers.size - 1, pid: server.pid, endpoint: server.endpoint, pubsub: server.pubsub, admin: server.admin }
  end

  def stop(server:) = @servers[server].stop

  def sandbox(server:)
    made = @servers[server].sandbox
    @sandboxes << Clients.new(made)
    { sandbox: @sandboxes.size - 1, account: made.account, project: made.project }
  end

  def end(sandbox:) = @sandboxes[sandbox].sandbox.reset
  def send(sandbox:, queue:, body:, delay_s:) = @sandboxes[sandbox].send_message(queue, body, delay_s)
  def receive(sandbox:, queue:) = { messages: @sandboxes[sandbox].receive(queue) }
  def publish(sandbox:, topic:, data:) = @sandboxes[sandbox].publish(topic, data)
  def pull(sandbox:, topic:) = { messages: @sandboxes[sandbox].pull(topic) }
  def advance(server:, seconds:) = @servers[server].clock.advance(seconds)
  def fault(server:, rule:) = { name: @servers[server].faults.set(rule) }
  def clear_faults(server:) = @servers[server].faults.clear
end

agent = Agent.new
$stdin.each_line do |line|
  request = JSON.parse(line, symbolize_names: true)
  answer = begin
    said = agent.public_method(request.delete(:op)).call(**request)
    said.is_a?(Hash) ? said : {}
  rescue StandardError => error
    { error: "#{error.class}: #{error.message}" }
  end
  puts JSON.generate(answer)
end
