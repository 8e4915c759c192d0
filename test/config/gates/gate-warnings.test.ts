import { describe, expect, it } from 'vitest'
import { gateWarnings } from '../../../src/config/gates/gate-warnings.ts'
import { readGatedConfig, someNow } from '../../support/gates/read-gated-config.ts'

/** The warnings of a file whose gates of prod are in line 7, and whose environments follow. */
async function warningsOf(
  gate: string,
  environments = '',
  signer = '{ keys: [a.pub] }',
): Promise<readonly string[]> {
  const loaded = await readGatedConfig(`version: 1
signers: { build: ${signer} }
environments:
  prod:
    registry: r.io
    path: "prod/{image}"
    gates: [${gate}]
${environments}`)
  return loaded
    .locate(gateWarnings(loaded.config, someNow))
    .map(({ line, column, path, message, hint }) => `${line}:${column} ${path}: ${message}; ${hint ?? ''}`)
}

const soak = '{ name: a, soak: { environment: staging, minSoak: 1h, signedBy: [build] } }'
const complete = '{ name: a, completeness: { signedBy: [build] } }'
const staging = '  staging: { registry: r.io, path: "staging/{image}" }\n'
const attesting = '  staging: { registry: r.io, path: "staging/{image}", attest: true }\n'
const dev = '  dev: { registry: r.io, path: "dev/{image}" }\n'

describe('a warning about a gate that needs attestations', () => {
  it.each<[string, string, string, readonly string[]]>([
    [
      'names the environment of a soak gate',
      soak,
      staging,
      [
        '7:32 environments.prod.gates[0].soak.environment: staging does not attest promotions, which the gate needs; set `attest: true` in staging',
      ],
    ],
    ['is omitted if that environment attests', soak, attesting, []],
    [
      'names the sources of a completeness gate',
      complete,
      `    promoteFrom: [staging, dev]\n${attesting}${dev}`,
      [
        '7:24 environments.prod.gates[0].completeness: dev does not attest promotions, which the gate needs; set `attest: true` in dev',
      ],
    ],
    [
      'says that no environment attests',
      complete,
      `${staging}${dev}`,
      [
        '7:24 environments.prod.gates[0].completeness: no environment attests promotions, which the gate needs; set `attest: true` in an environment before this one',
      ],
    ],
    ['is omitted if any environment before it attests', complete, `${attesting}${dev}`, []],
  ])('%s', async (_, gate, environments, expected) => {
    expect(await warningsOf(gate, environments)).toEqual(expected)
  })
})

describe('a warning about a date', () => {
  const scan = (expires: string): string =>
    `{ name: a, scan: { signedBy: [build], failOn: high, maxAge: 1d, exceptions: [{ id: CVE-1, expires: ${expires}, reason: r }] } }`

  it('names an exception that expired, from the day after it on', async () => {
    expect(await warningsOf(scan('2026-11-27'))).toEqual([
      '7:112 environments.prod.gates[0].scan.exceptions[0].expires: the exception of CVE-1 expired; remove it',
    ])
    expect(await warningsOf(scan('2026-11-28'))).toEqual([])
  })

  it('names a key that expired', async () => {
    const gate = '{ name: a, signature: { signedBy: [build] } }'
    const signer = (expires: string): string => `{ keys: [b.pub, { file: a.pub, expires: ${expires} }] }`
    expect(await warningsOf(gate, '', signer('2026-11-27'))).toEqual([
      '2:59 signers.build.keys[1].expires: the key expired and verifies nothing; remove it',
    ])
    expect(await warningsOf(gate, '', signer('2026-11-28'))).toEqual([])
  })
})
