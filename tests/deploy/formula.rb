# Installs a Homebrew formula and runs its test, for machines where Homebrew itself can't be had: a small part of
# what formulas are written in, with Homebrew's names. What a formula calls that isn't here fails.
#
#   ruby formula.rb FORMULA ARCHIVE PREFIX
require "digest"
require "fileutils"
require "pathname"
require "rbconfig"
require "socket"
require "tmpdir"

# Homebrew's on strings and paths.
class Pathname
  def install(*sources)
    mkpath
    sources.flatten.each do |source|
      pairs = source.is_a?(Hash) ? source : { source => File.basename(source) }
      pairs.each { |from, to| FileUtils.mv from.to_s, (self/to).to_s }
    end
  end
end

class Formula
  DETAILS = {}
  PREFIX = Pathname.new(ARGV[2])

  class << self
    attr_reader :test_block, :service_block

    %i[desc homepage version license url sha256].each do |name|
      define_method(name) { |value| DETAILS[name] = value }
    end

    def on_macos; end

    def on_linux
      yield
    end

    def on_intel
      yield if RbConfig::CONFIG["host_cpu"] == "x86_64"
    end

    def on_arm
      yield if RbConfig::CONFIG["host_cpu"] == "aarch64"
    end

    def service(&block) = @service_block = block
    def test(&block) = @test_block = block
    def inherited(formula) = DETAILS[:formula] = formula
  end

  {
    bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d",
    zsh_completion: "share/zsh/site-functions", fish_completion: "share/fish/vendor_completions.d",
    var: "var", opt_bin: "bin"
  }.each { |name, path| define_method(name) { PREFIX/path } }

  def free_port
    server = TCPServer.new("127.0.0.1", 0)
    server.addr[1].tap { server.close }
  end

  def shell_output(command)
    output = `#{command}`
    raise "#{command} ended with #{$?.exitstatus}: #{output}" unless $?.success?

    output
  end

  def assert_match(expected, actual)
    raise "no #{expected} in #{actual}" unless actual.include?(expected)
  end
end

# What `service do` says: it is looked at, and nobody is started.
class Service
  attr_reader :said

  def initialize(formula) = (@formula, @said = formula, {})

  %i[run keep_alive log_path error_log_path].each do |name|
    define_method(name) { |value| @said[name] = value }
  end

  %i[opt_bin var].each { |name| define_method(name) { @formula.public_send(name) } }
end

formula, archive, = ARGV
load formula
details = Formula::DETAILS
made = details[:formula].new
raise "no desc as Homebrew wants it" unless details[:desc].length < 80 && details[:desc] !~ /\A(A|An|The|Lclq) |\.\z/
raise "another archive: #{details[:url]}" unless File.basename(details[:url]) == File.basename(archive)
raise "another hash" unless Digest::SHA256.file(archive).hexdigest == details[:sha256]

Dir.mktmpdir do |own|
  raise "not unpacked" unless system("tar", "-xzf", archive, "--strip-components=1", "-C", own)

  Dir.chdir(own) { made.install }
end
service = Service.new(made)
service.instance_eval(&details[:formula].service_block)
raise "the service isn't what was installed" unless service.said[:run][0].executable?

Dir.mktmpdir { |own| Dir.chdir(own) { made.instance_eval(&details[:formula].test_block) } }
puts "installed and tested"
