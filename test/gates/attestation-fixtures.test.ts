import { describe, expect, it } from 'vitest'
import type { GateDefinition } from '../../src/config/gates/gate.ts'
import type { GateTrust } from '../../src/gates/gate-trust.ts'
import { loadTrustedSigner } from '../../src/signing/trust/load-signer.ts'
import type { GateResult } from '../../src/plan/gates/gate-result.ts'
import {
  fixtureIdentity,
  fixturePath,
  fixturePlatform,
  fixtureWith,
} from '../support/gates/cosign-fixtures.ts'
import { approvalsGate, attestationGate, celGate, sbomGate, scanGate } from '../support/gates/definitions.ts'
import { judging } from '../support/gates/judging.ts'

/** A time after all signatures, also if the fixtures are made again. */
const now = Date.parse('2035-01-01T00:00:00Z')
const maxAgeMs = 10 * 365 * 24 * 60 * 60 * 1000

/** `build` signs everything, and the person `ada` has the same key. */
async function trusted(how: string): Promise<GateTrust> {
  const keyless = {
    ...fixtureIdentity,
    claims: {},
    trustedRoot: fixturePath('trusted_root.json'),
    transparencyLog: 'required' as const,
  }
  const source = how.startsWith('keyless')
    ? { keys: [], keyless }
    : { keys: [{ file: fixturePath('build.pub') }] }
  const build = await loadTrustedSigner('build', source)
  const ada = { person: 'ada', signer: { ...build, name: 'leads/ada' }, actors: ['github:ada'] }
  return {
    signers: new Map([['build', build]]),
    approvers: new Map([['leads', [ada]]]),
    definitionHash: () => 'sha256:0',
  }
}

async function judged(
  how: string,
  fixtures: readonly string[],
  gates: readonly GateDefinition[],
  at: 'oci-1.1' | 'docker-registry-2.8' | 'layout' = 'oci-1.1',
): Promise<readonly GateResult[]> {
  const content = fixtureWith(...fixtures.map((name) => `${how}-${name}`))
  const clock = { now: () => now, sleep: async () => undefined }
  const { judge } = await judging(content, { at, clock, gates, trust: await trusted(how) })
  return await judge()
}

async function verdicts(...args: Parameters<typeof judged>): Promise<readonly string[]> {
  return (await judged(...args)).map(({ result }) => result)
}

const bothPlatforms = (type: string): readonly string[] => [`${type}-amd64`, `${type}-arm64`]

describe.each(['key-old', 'key-new', 'keyless-old', 'keyless-new'])(
  'an attestation that cosign made, %s,',
  (how) => {
    it('passes with its expression, and an approval with its person', async () => {
      const expression = 'predicate.runDetails.builder.id.startsWith("https://github.com/acme/")'
      const gates = [
        attestationGate({ expression }),
        attestationGate({ name: 'other', expression: 'predicate.runDetails.builder.id == ""' }),
      ]
      expect(await verdicts(how, ['slsaprovenance1'], gates)).toEqual(['pass', 'fail'])
      const approved = [approvalsGate({ allowSelfApproval: true }), attestationGate()]
      expect(await verdicts(how, ['approval'], approved)).toEqual(['pass', 'fail'])
    })

    it('passes as a scan of each platform, and gives rules its findings', async () => {
      const gates = [
        scanGate({ maxAgeMs }),
        celGate('scan.vulnerabilities.all(v, v.severity == "low")'),
        celGate('scan.vulnerabilities.size() == 0', { name: 'none' }),
      ]
      expect(await verdicts(how, bothPlatforms('vuln'), gates)).toEqual(['pass', 'pass', 'fail'])
    })

    it.each([
      ['spdxjson', 'spdx'],
      ['cyclonedx', 'cyclonedx'],
    ] as const)('passes as an SBOM of each platform: %s', async (type, format) => {
      const gates = [
        sbomGate({ signedBy: ['build'], formats: [format] }),
        celGate('sbom.components.exists(c, c.name == "openssl")'),
      ]
      expect(await verdicts(how, bothPlatforms(type), gates)).toEqual(['pass', 'pass'])
    })

    it('fails as a scan if one platform is not scanned', async () => {
      const [result] = await judged(how, ['vuln-amd64'], [scanGate({ maxAgeMs })])
      expect(result?.result).toBe('fail')
      expect(result?.subjects).toMatchObject([
        { platform: 'linux/amd64', result: 'pass' },
        { platform: 'linux/arm64', digest: fixturePlatform('arm64'), result: 'fail' },
      ])
    })
  },
)

it.each(['docker-registry-2.8', 'layout'] as const)(
  'attestations that cosign made are found in the old and new layout, at %s',
  async (at) => {
    for (const how of ['key-old', 'key-new']) {
      expect(await verdicts(how, ['slsaprovenance1'], [attestationGate()], at)).toEqual(['pass'])
      expect(await verdicts(how, bothPlatforms('vuln'), [scanGate({ maxAgeMs })], at)).toEqual(['pass'])
    }
  },
)
