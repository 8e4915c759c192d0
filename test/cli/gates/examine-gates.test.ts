import { describe, expect, it } from 'vitest'
import { examineGates } from '../../../src/cli/gates/examine-gates.ts'
import { renderDiagnoses } from '../../../src/render/views/doctor.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { loadWithKeys } from '../../support/gates/load-with-keys.ts'
import { someNow } from '../../support/gates/read-gated-config.ts'

const usable = ['trust/missing.pub', 'trust/p384.pub'] as const
const day = 86_400_000

/** The findings as `state check: text`, without those that are ok. */
async function findings(
  replacements: Parameters<typeof loadWithKeys>[0] = [],
  { now = someNow, files = {} }: { now?: number; files?: Parameters<typeof loadWithKeys>[1] } = {},
): Promise<readonly string[]> {
  const loaded = await loadWithKeys([usable, ...(replacements ?? [])], files)
  const [diagnosis] = await examineGates(loaded, ['prod'], now)
  return (diagnosis?.findings ?? [])
    .filter(({ state }) => state !== 'ok')
    .map(({ check, state, saw, hint }) => `${state} ${check}: ${saw}; ${hint ?? ''}`)
}

describe('doctor', () => {
  it('shows the keys, roots and expressions of the gates of an environment', async () => {
    const loaded = await loadWithKeys([usable])
    const found = await examineGates(loaded, ['prod'], someNow)
    expect(renderDiagnoses(found, { style: plainStyle, width: undefined }).split('\n')).toEqual([
      'gates of prod',
      'ok       gates            signed, scan, approved, rule, broken',
      expect.stringMatching(
        /^ok {7}trusted root {5}trust\/root\.json of build, valid until \d{4}-\d\d-\d\d$/,
      ),
      'ok       key              trust/build.pub of scanner, without an expiry',
      'ok       key              trust/p384.pub of scanner, expires on 2027-06-30',
      'ok       key              trust/p384.pub of missing, without an expiry',
      'ok       key              trust/ed25519.pub of leads/ada, without an expiry',
      'ok       key              trust/rsa.pub of leads/bob, without an expiry',
      'ok       expression       1 expression compiles',
    ])
    expect(await examineGates(loaded, [], someNow)).toEqual([])
  })

  it('notes a key that expires within 30 days', async () => {
    const end = Date.parse('2027-07-01T00:00:00Z')
    expect(await findings([], { now: end - 31 * day })).toEqual([])
    expect(await findings([], { now: end - 29 * day })).toEqual([
      'note key: trust/p384.pub of scanner, expires on 2027-06-30; Add the next key of the signer to dray.yaml before that day.',
    ])
  })

  it('notes an expired key, and reports a problem if it is the only one', async () => {
    const end = Date.parse('2027-07-01T00:00:00Z')
    const [note] = await findings([], { now: end })
    expect(note).toBe('note key: trust/p384.pub of scanner, expired on 2027-06-30; Remove it from dray.yaml.')
    const [problem] = await findings([['trust/build.pub, {', '{']], { now: end })
    expect(problem).toBe(
      'problem key: trust/p384.pub of scanner, expired on 2027-06-30; Add the new key of the signer to dray.yaml.',
    )
  })

  it('reports a trusted root whose CAs expired', async () => {
    const far = Date.parse('2060-01-01T00:00:00Z')
    expect((await findings([], { now: far })).find((one) => one.includes('trustedRoot'))).toMatch(
      /^problem trustedRoot: trust\/root\.json of build, every CA in it expired, the last on \S+; Write the file again: cosign initialize/,
    )
  })

  it('reports what cannot be used, with its position', async () => {
    expect(
      await findings([['attestations.signed', 'attestations.sigend']], { files: { 'trust/rsa.pub': 'x' } }),
    ).toEqual([
      'problem key: dray.yaml:10:19: trust/rsa.pub: the key is not a public key; Use PEM that begins with -----BEGIN PUBLIC KEY-----, such as cosign.pub.',
      'problem expression: dray.yaml:19:42: unknown field "sigend", at column 14 of the expression; Did you mean "signed"?',
    ])
  })

  it('notes a gate that needs attestations which nobody writes', async () => {
    const soak = '  - { name: soak, soak: { environment: staging, minSoak: 1h, signedBy: [scanner] } }\n'
    expect(
      await findings([
        ['    gates:\n', `    gates:\n    ${soak}`],
        [
          'environments:\n',
          'environments:\n  staging: { registry: r.example.com, path: "staging/{image}" }\n',
        ],
      ]),
    ).toEqual([
      'note gates: dray.yaml:17:31: staging does not attest promotions, which the gate needs; Set `attest: true` in staging.',
    ])
  })
})
