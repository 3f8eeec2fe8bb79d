# In a tap: `brew install lclq/tap/lclq`.
class Lclq < Formula
  desc "Local cloud queue that stands in for AWS SQS and Google Cloud Pub/Sub"
  homepage "https://github.com/lclq/lclq"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "https://github.com/lclq/lclq/releases/download/v@VERSION@/lclq-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256 aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "https://github.com/lclq/lclq/releases/download/v@VERSION@/lclq-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256 x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/lclq/lclq/releases/download/v@VERSION@/lclq-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256 aarch64-unknown-linux-gnu.tar.gz@"
    end
    on_intel do
      url "https://github.com/lclq/lclq/releases/download/v@VERSION@/lclq-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256 x86_64-unknown-linux-gnu.tar.gz@"
    end
  end

  def install
    bin.install "lclq"
    man1.install Dir["man/*.1.gz"]
    bash_completion.install "completions/lclq.bash" => "lclq"
    zsh_completion.install "completions/_lclq"
    fish_completion.install "completions/lclq.fish"
  end

  service do
    run [opt_bin/"lclq", "start", "--data-dir", var/"lclq"]
    keep_alive true
    log_path var/"log/lclq.log"
    error_log_path var/"log/lclq.log"
  end

  test do
    port = free_port
    none = "--pubsub-port=0 --pubsub-rest-port=0 --admin-port=0"
    pid = spawn "#{bin}/lclq start --sqs-port #{port} #{none}"
    begin
      asked = "curl -sf --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:#{port}/"
      shell_output("#{asked} -d Action=CreateQueue -d QueueName=parcels")
      at = "#{asked}000000000000/parcels"
      shell_output("#{at} -d Action=SendMessage -d MessageBody=hello")
      assert_match "<Body>hello</Body>", shell_output("#{at} -d Action=ReceiveMessage")
    ensure
      Process.kill "TERM", pid
      Process.wait pid
    end
  end
end
