# frozen_string_literal: true

require "base64"
require "json"
require "net/http"

# SQS and Pub/Sub as their SDKs ask them, where those can't be had: JSON over HTTP.
class Clients
  MESSAGES_MAX = 10

  attr_reader :sandbox

  def initialize(sandbox)
    @sandbox = sandbox
  end

  def queue(name) = sqs("CreateQueue", QueueName: name).fetch("QueueUrl")

  def send_message(name, body, delay_s = 0)
    sqs("SendMessage", QueueUrl: queue(name), MessageBody: body, DelaySeconds: delay_s)
  end

  def receive(name)
    url = queue(name)
    messages = sqs("ReceiveMessage", QueueUrl: url, MaxNumberOfMessages: MESSAGES_MAX).fetch("Messages", [])
    messages.each { |message| sqs("DeleteMessage", QueueUrl: url, ReceiptHandle: message["ReceiptHandle"]) }
    messages.map { |message| message["Body"] }.sort
  end

  def publish(name, data)
    topic(name)
    pubsub("POST", "topics/#{name}:publish", { messages: [{ data: Base64.strict_encode64(data) }] })
  end

  def pull(name)
    topic(name)
    pulled = pubsub("POST", "subscriptions/#{name}:pull", { maxMessages: MESSAGES_MAX }).fetch("receivedMessages", [])
    ids = pulled.map { |received| received["ackId"] }
    pubsub("POST", "subscriptions/#{name}:acknowledge", { ackIds: ids }) unless ids.empty?
    pulled.map { |received| Base64.decode64(received["message"]["data"]).force_encoding("UTF-8") }
  end

  private

  def topic(name)
    pubsub("PUT", "topics/#{name}", {})
    pubsub("PUT", "subscriptions/#{name}", { topic: "projects/#{sandbox.project}/topics/#{name}" })
  rescue StandardError => error
    raise unless error.message.include?("ALREADY_EXISTS")
  end

  def sqs(action, **request)
    scope = "#{sandbox.account}/20260101/us-east-1/sqs/aws4_request"
    answer = ask("POST", URI(sandbox.server.endpoint), request,
                 "Content-Type" => "application/x-amz-json-1.0", "X-Amz-Target" => "AmazonSQS.#{action}",
                 "Authorization" => "AWS4-HMAC-SHA256 Credential=#{scope}, SignedHeaders=host, Signature=0")
    answer.empty? ? {} : JSON.parse(answer)
  end

  def pubsub(method, path, request)
    uri = URI("http://#{sandbox.server.pubsub}/v1/projects/#{sandbox.project}/#{path}")
    JSON.parse(ask(method, uri, request, "Content-Type" => "application/json"))
  end

  def ask(method, uri, request, headers)
    answer = Net::HTTP.start(uri.host, uri.port, nil) do |http|
      http.send_request(method, uri.request_uri, JSON.generate(request), headers)
    end
    raise "#{answer.code}: #{answer.body}" unless answer.is_a?(Net::HTTPSuccess)

    answer.body.to_s
  end
end
