# Queues and topics by Terraform. The AWS provider finds the endpoint in AWS_ENDPOINT_URL_SQS; with keys that
# mean nothing it must be told not to ask other services about them.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31"
    }
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0"
    }
  }
}

variable "pubsub_endpoint" {
  description = "Where Pub/Sub is asked over REST."
  type        = string
  default     = "http://127.0.0.1:8085/v1/"
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

provider "google" {
  project                = "local"
  access_token           = "test"
  pubsub_custom_endpoint = var.pubsub_endpoint
}

resource "aws_sqs_queue" "payments_failed" {
  name                      = "payments-failed"
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "payments" {
  name                       = "payments"
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.payments_failed.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "orders" {
  name                        = "orders.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}

resource "google_pubsub_topic" "orders" {
  name = "orders"
}

resource "google_pubsub_subscription" "billing" {
  name                    = "billing"
  topic                   = google_pubsub_topic.orders.id
  ack_deadline_seconds    = 30
  enable_message_ordering = true
  filter                  = "attributes.kind = \"order\""
}

output "payments_url" {
  value = aws_sqs_queue.payments.url
}
