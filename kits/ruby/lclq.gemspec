# frozen_string_literal: true

version = File.read(File.expand_path("../../Cargo.toml", __dir__))[/^version = "([^"]+)"$/, 1]

Gem::Specification.new do |gem|
  gem.name = "lclq"
  gem.version = version
  gem.summary = "A local AWS SQS and Google Cloud Pub/Sub for RSpec and other tests"
  gem.authors = ["The lclq authors"]
  gem.licenses = ["MIT", "Apache-2.0"]
  gem.homepage = "https://github.com/lclq/lclq"
  gem.required_ruby_version = ">= 3.0"
  gem.files = Dir["lib/**/*.rb", "LICENSE-*", "README.md"]
  gem.metadata["rubygems_mfa_required"] = "true"
end
