import { readFileSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LoadedConfig } from '../../../src/config/parse.ts'
import { tempFolder } from '../temp.ts'
import { fixturePath } from './cosign-fixtures.ts'
import { readGatedConfig } from './read-gated-config.ts'

const text = `version: 1
signers:
  build:
    keyless: { issuer: https://i.example, subject: "https://x/{image}", trustedRoot: trust/root.json }
  scanner: { keys: [trust/build.pub, { file: trust/p384.pub, expires: 2027-06-30 }] }
  missing: { keys: [trust/missing.pub] }
approvers:
  leads:
    ada: { keys: [trust/ed25519.pub], actors: ["github:ada"] }
    bob: { keys: [trust/rsa.pub], actors: ["github:bob"] }
environments:
  prod:
    registry: r.example.com
    path: "prod/{image}"
    gates:
      - { name: signed, signature: { signedBy: [build] } }
      - { name: scan, scan: { signedBy: [scanner], failOn: high, maxAge: 24h } }
      - { name: approved, approvals: { count: 2, approvers: [leads] } }
      - { name: rule, cel: { expression: "attestations.signed.size() > 0" } }
      - { name: broken, signature: { signedBy: [missing] } }
`

const keys: Readonly<Record<string, string>> = {
  'trust/root.json': 'trusted_root.json',
  'trust/build.pub': 'build.pub',
  'trust/p384.pub': 'p384.pub',
  'trust/ed25519.pub': 'ed25519.pub',
  'trust/rsa.pub': 'rsa.pub',
}

export const fixture = (name: string): string => readFileSync(fixturePath(name), 'utf8')

export type Files = Readonly<Record<string, string>>

/**
 * Writes a dray.yaml with gates and its keys. Each replacement changes the text once.
 * @param files contents of further files, or other ones
 */
export async function loadWithKeys(
  replacements: readonly (readonly [before: string, after: string])[] = [],
  files: Files = {},
): Promise<LoadedConfig> {
  const folder = await tempFolder()
  for (const [to, from] of Object.entries(keys)) {
    await mkdir(dirname(join(folder, to)), { recursive: true })
    await copyFile(fixturePath(from), join(folder, to))
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const content = replacements.reduce((now, [before, after]) => {
    if (!now.includes(before)) throw new Error(`the text has no ${before}`)
    return now.replace(before, after)
  }, text)
  return await readGatedConfig(content, undefined, join(folder, 'dray.yaml'))
}
