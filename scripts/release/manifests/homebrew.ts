import { fileOf, type ReleaseFacts } from './release-files.ts'

/** The formula for a Homebrew tap (https://docs.brew.sh/Formula-Cookbook). */
export function homebrewFormula(facts: ReleaseFacts): string {
  return `class Dray < Formula
  desc ${quote(summaryOf(facts.description))}
  homepage ${quote(facts.project.repository)}
  version ${quote(facts.version)}
  license "Apache-2.0"

  on_macos do
${architectures('darwin', facts)}
  end

  on_linux do
${architectures('linux', facts)}
  end

  def install
    bin.install "dray"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/dray.bash" => "dray"
    zsh_completion.install "completions/_dray"
    fish_completion.install "completions/dray.fish"
  end

  test do
    assert_match "dray/#{version} ", shell_output("#{bin}/dray --version")
  end
end
`
}

/** Homebrew wants at most 80 characters without a full stop. */
function summaryOf(description: string): string {
  return description.replace(/, with .*$/, '').replace(/\.$/, '')
}

function architectures(system: 'darwin' | 'linux', facts: ReleaseFacts): string {
  return [
    ['on_arm', 'arm64'],
    ['on_intel', 'x64'],
  ]
    .map(([block, name]) => {
      const { url, sha256 } = fileOf(`dray-${system}-${name}.tar.gz`, facts)
      return `    ${block} do\n      url ${quote(url)}\n      sha256 ${quote(sha256)}\n    end`
    })
    .join('\n')
}

/** A string of Ruby without interpolation. */
function quote(text: string): string {
  return `"${text.replaceAll(/["\\#]/g, String.raw`\$&`)}"`
}
