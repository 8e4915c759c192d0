import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pinnedFiles, published, withPins } from '../../scripts/pins.ts'
import { project } from '../../src/cli/project.ts'
import { ciFiles, fencesIn, publishedPages } from '../support/ci-files/published-pages.ts'
import { drayCommandsIn } from '../support/docs/dray-commands.ts'

const root = join(import.meta.dirname, '..', '..')
const example = {
  version: '2.0.0',
  repository: 'https://github.com/acme/dray',
  image: 'ghcr.io/acme/dray',
  action: 'acme/dray',
}

describe('the versions and addresses of dray', () => {
  it.each([...publishedPages(), ...ciFiles()])('in $path are those of the project', ({ text }) => {
    expect(withPins(text, published())).toBe(text)
    // A place that the script does not know would keep the old account.
    expect(withPins(text, example)).not.toMatch(/\bowner(?:\/tap)?[/.]dray\b|\bowner\/(?:scoop|homebrew)/i)
  })

  it.each([
    ['npm install -g dray@0.0.9', 'npm install -g dray@2.0.0'],
    ['image: ghcr.io/owner/dray:0.0.9-rc.1', 'image: ghcr.io/acme/dray:2.0.0'],
    ['uses: OWNER/dray@v0.0.9', 'uses: acme/dray@v2.0.0'],
    [`uses: OWNER/dray@${'a'.repeat(40)} # v0.0.9`, `uses: acme/dray@${'a'.repeat(40)} # v2.0.0`],
    [
      'https://github.com/OWNER/dray/releases/download/v0.0.9/dray-linux-x64.tar.gz',
      'https://github.com/acme/dray/releases/download/v2.0.0/dray-linux-x64.tar.gz',
    ],
    ['https://github.com/OWNER/dray/raw/v0.0.9/tekton/', 'https://github.com/acme/dray/raw/v2.0.0/tekton/'],
    ['gh attestation verify x --repo OWNER/dray', 'gh attestation verify x --repo acme/dray'],
    ['dray/0.0.9 linux-x64 bun-1.4.5', 'dray/2.0.0 linux-x64 bun-1.4.5'],
    ['  "tool": "0.0.9",', '  "tool": "2.0.0",'],
    ['brew install OWNER/tap/dray', 'brew install acme/tap/dray'],
    ['https://github.com/OWNER/scoop-bucket', 'https://github.com/acme/scoop-bucket'],
    ['winget install OWNER.dray', 'winget install acme.dray'],
    ['`OWNER.dray.installer.yaml`', '`acme.dray.installer.yaml`'],
    ['apt install ./dray_0.0.9_amd64.deb', 'apt install ./dray_2.0.0_amd64.deb'],
    ['git clone --branch v0.0.9 https', 'git clone --branch v2.0.0 https'],
    ['gh api repos/OWNER/dray/commits/v0.0.9', 'gh api repos/acme/dray/commits/v2.0.0'],
    ['$CI_SERVER_FQDN/tools/dray/promote@0.0.9', '$CI_SERVER_FQDN/tools/dray/promote@2.0.0'],
    ['app.kubernetes.io/version: "0.0.9"', 'app.kubernetes.io/version: "2.0.0"'],
  ])('replace those in %s', (text, expected) => {
    expect(withPins(text, example)).toBe(expected)
  })

  it.each([
    'uses: actions/checkout@v5.0.0',
    'ghcr.io/acme/api:1.4.2',
    'dray promote api:1.4.2',
    'https://github.com/acme/dray-tools',
    'the file `cosign.draystore`',
  ])('do not replace %s', (text) => {
    expect(withPins(text, example)).toBe(text)
  })

  it('are in every file that npm version writes, and in no other', () => {
    const isPinned = ({ text }: { readonly text: string }): boolean => withPins(text, example) !== text
    const found = [...publishedPages(), ...ciFiles()].filter(isPinned).map(({ path }) => path)
    const written = globSync(pinnedFiles, { cwd: root })
    expect(found.length).toBeGreaterThan(8)
    expect(found.filter((path) => !written.includes(path))).toEqual([])
  })
})

describe('examples for CI', () => {
  /** Steps that make the command `dray` available. */
  const channels = [
    `${project.image}:`,
    `${project.action}@v`,
    `${project.releases}/download/v`,
    'npm install -g dray@',
    'npm install --global dray@',
  ]
  const examples = fencesIn('yaml', 'groovy').filter((fence) => drayCommandsIn(fence).length > 0)

  it.each(examples)('in $at installs dray', ({ text }) => {
    expect(channels.some((channel) => text.includes(channel))).toBe(true)
  })

  it('check the binary that they download', () => {
    const downloads = fencesIn('yaml', 'groovy', 'sh', 'dockerfile').filter(({ text }) =>
      text.includes(`${project.releases}/download/`),
    )
    expect(downloads.length).toBeGreaterThan(0)
    expect(
      downloads.filter(({ text }) => !/checksums\.txt.*sha256sum|sha256sum.*checksums\.txt/s.test(text)),
    ).toEqual([])
  })
})
