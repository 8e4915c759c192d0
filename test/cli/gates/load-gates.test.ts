import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hashOfGates } from '../../../src/cli/gates/trust/hash-definition.ts'
import { checkGates, loadGates } from '../../../src/cli/gates/load-gates.ts'
import type { GateDefinition } from '../../../src/config/gates/gate.ts'
import type { LoadedConfig } from '../../../src/config/parse.ts'
import { type FileMistake, isDrayError } from '../../../src/lib/errors.ts'
import { type Files, fixture, loadWithKeys } from '../../support/gates/load-with-keys.ts'

function gatesOf({ config }: LoadedConfig, names: readonly string[]): readonly GateDefinition[] {
  return (config.environments.get('prod')?.gates ?? []).filter(({ name }) => names.includes(name))
}

async function mistakesOf(work: Promise<unknown>): Promise<readonly string[]> {
  try {
    await work
    return []
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
    return (thrown.mistakes ?? []).map(format)
  }
}

const format = ({ line, column, path, message, hint }: FileMistake): string =>
  `${line}:${column} ${path}: ${message}${hint === undefined ? '' : `; ${hint}`}`

const usable = ['signed', 'scan', 'approved', 'rule']

describe('loadGates', () => {
  it('reads the keys and roots of the gates, and no others', async () => {
    const loaded = await loadWithKeys()
    const trust = await loadGates(loaded, gatesOf(loaded, usable))
    expect([...trust.signers.keys()]).toEqual(['build', 'scanner'])
    expect(
      trust.signers.get('scanner')?.keys.map(({ file, expiresAt }) => [basename(file), expiresAt]),
    ).toEqual([
      ['build.pub', undefined],
      ['p384.pub', Date.parse('2027-07-01T00:00:00Z')],
    ])
    expect(trust.signers.get('build')?.keyless?.roots).toHaveLength(1)
    expect(
      trust.approvers.get('leads')?.map(({ person, signer, actors }) => [person, signer.name, actors]),
    ).toEqual([
      ['ada', 'leads/ada', ['github:ada']],
      ['bob', 'leads/bob', ['github:bob']],
    ])
    expect((await loadGates(loaded, [])).signers.size).toBe(0)
  })

  it('reads the files of a signer for VEX documents', async () => {
    const loaded = await loadWithKeys([['maxAge: 24h', 'maxAge: 24h, vex: { signedBy: [missing] }']])
    expect(await mistakesOf(loadGates(loaded, gatesOf(loaded, ['scan'])))).toHaveLength(1)
  })

  const missing = 'the file of the key does not exist; put the public key of the signer into the file, in PEM'
  const noKey = 'the key is not a public key; use PEM that begins with -----BEGIN PUBLIC KEY-----'
  it.each<[string, string, string, string, Files, readonly string[]]>([
    ['a missing key', 'broken', '', '', {}, [`6:21 signers.missing.keys[0]: trust/missing.pub: ${missing}`]],
    [
      'a key that is none',
      'scan',
      '',
      '',
      { 'trust/p384.pub': 'no key' },
      [expect.stringContaining(`5:38 signers.scanner.keys[1]: trust/p384.pub: ${noKey}`) as string],
    ],
    [
      'a root that is none',
      'signed',
      '',
      '',
      { 'trust/root.json': '{}' },
      [expect.stringContaining('4:86 signers.build.keyless.trustedRoot: trust/root.json: ') as string],
    ],
    [
      'an unknown claim',
      'signed',
      'trustedRoot',
      'claims: { runerEnvironment: github-hosted }, trustedRoot',
      {},
      [
        '4:101 signers.build.keyless.claims.runerEnvironment: there is no claim "runerEnvironment"; use runnerEnvironment',
      ],
    ],
    [
      'the key of an approver',
      'approved',
      'trust/rsa.pub',
      'trust/bob.pub',
      {},
      [`10:19 approvers.leads.bob.keys[0]: trust/bob.pub: ${missing}`],
    ],
    [
      'an expression that does not compile',
      'rule',
      'attestations.signed',
      'attestations.sigend',
      {},
      [
        '19:42 environments.prod.gates[3].cel.expression: unknown field "sigend", at column 14 of the expression; did you mean "signed"?',
      ],
    ],
    [
      'a rule with `matches`, which RE2 replaces',
      'rule',
      'attestations.signed.size() > 0',
      "image.name.matches('a')",
      {},
      [
        expect.stringMatching(
          /^19:42 environments\.prod\.gates\[3\]\.cel\.expression: .*matches.*regex/,
        ) as string,
      ],
    ],
    [
      'a rule that uses itself',
      'rule',
      'attestations.signed',
      'attestations.rule',
      {},
      [
        expect.stringContaining(
          '19:42 environments.prod.gates[3].cel.expression: unknown field "rule"',
        ) as string,
      ],
    ],
    [
      'two people with one key',
      'approved',
      'trust/rsa.pub',
      'trust/ed25519.pub',
      {},
      ['10:5 approvers.leads.bob: bob has the same key as ada'],
    ],
    [
      'two signers with one key that count as two',
      'signed',
      '{ signedBy: [build]',
      '{ signedBy: [scanner, missing], count: 2',
      { 'trust/missing.pub': fixture('build.pub') },
      ['6:3 signers.missing: missing has the same key as scanner'],
    ],
  ])('throws for %s', async (_, name, before, after, files, expected) => {
    const loaded = await loadWithKeys([[before, after]], files)
    const gates = gatesOf(loaded, [name])
    expect(await mistakesOf(loadGates(loaded, gates))).toEqual(expected)
  })
})

describe('the hash of a gate', () => {
  const hashes = async (loaded: LoadedConfig): Promise<readonly string[]> => {
    const gates = gatesOf(loaded, usable)
    const { definitionHash } = await loadGates(loaded, gates)
    return gates.map(definitionHash)
  }

  it('does not depend on the folder and on the position in the file', async () => {
    const moved = await loadWithKeys([['environments:', '\n\n# moved\nenvironments:']])
    expect(await hashes(moved)).toEqual(await hashes(await loadWithKeys()))
  })

  it.each<[string, string, string, Files, readonly string[]]>([
    ['the bytes of a key', '', '', { 'trust/p384.pub': fixture('p521.pub') }, ['scan']],
    ['the bytes of a root', '', '', { 'trust/root.json': `${fixture('trusted_root.json')}\n` }, ['signed']],
    ['the key of a person', '', '', { 'trust/rsa.pub': fixture('p521.pub') }, ['approved']],
    ['the expiry of a key', '2027-06-30', '2027-07-30', {}, ['scan']],
    ['an identity', 'https://x/{image}', 'https://y/{image}', {}, ['signed']],
    ['an account', 'github:bob', 'github:eve', {}, ['approved']],
    ['a setting', 'failOn: high', 'failOn: low', {}, ['scan']],
  ])('differs if %s differs', async (_, before, after, files, changed) => {
    const old = await hashes(await loadWithKeys())
    const now = await hashes(await loadWithKeys([[before, after]], files))
    expect(usable.filter((_name, i) => now[i] !== old[i])).toEqual(changed)
  })

  it('of all gates together covers each of them, in any order', async () => {
    const loaded = await loadWithKeys()
    const gates = gatesOf(loaded, usable)
    const trust = await loadGates(loaded, gates)
    const all = hashOfGates(gates, trust)
    expect(hashOfGates(gates.toReversed(), trust)).toBe(all)
    expect(hashOfGates([...gates, ...gates], trust)).toBe(all)
    for (const gate of gates) {
      const others = gates.filter((one) => one !== gate)
      expect(hashOfGates(others, trust)).not.toBe(all)
    }
    expect(hashOfGates([], trust)).toBeUndefined()
  })
})

describe('checkGates', () => {
  it('reports the mistakes of all files and expressions, also of unused signers', async () => {
    const loaded = await loadWithKeys([['attestations.signed', 'attestations.sigend']], {
      'trust/build.pub': 'x',
    })
    expect(loaded.locate(await checkGates(loaded)).map(format)).toEqual([
      expect.stringContaining('5:21 signers.scanner.keys[0]: trust/build.pub: the key is not a public key'),
      '6:21 signers.missing.keys[0]: trust/missing.pub: the file of the key does not exist; put the public key of the signer into the file, in PEM',
      expect.stringContaining('19:42 environments.prod.gates[3].cel.expression: unknown field "sigend"'),
    ])
  })

  it('finds nothing in a file without mistakes', async () => {
    const loaded = await loadWithKeys([['trust/missing.pub', 'trust/p384.pub']])
    expect(await checkGates(loaded)).toEqual([])
  })
})
