import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../../src/lib/errors.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

const head = `version: 1
signers: { build: { keys: [a.pub] }, scanner: { keys: [b.pub] } }
approvers: { leads: { ada: { keys: [c.pub], actors: ["github:ada"] } }, robots: { r2: { keys: [d.pub] } } }
images: { api: {}, web: {} }
environments:
  staging: { registry: r.io, path: "staging/{image}" }
  prod:
    registry: r.io
    path: "prod/{image}"
`

/** Reads `head` with more lines, which begin in line 10. Returns the mistakes. */
async function mistakesOf(lines: string, content = `${head}${lines}`): Promise<readonly string[]> {
  try {
    await readGatedConfig(`${content}\n`)
    return []
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
    return (thrown.mistakes ?? []).map(
      ({ path, line, column, message, hint }) =>
        `${line}:${column} ${path}: ${message}${hint === undefined ? '' : `; ${hint}`}`,
    )
  }
}

/** The mistakes of a gate in line 11, from its sixth column on. */
const mistakesOfGate = async (gate: string): Promise<readonly string[]> =>
  await mistakesOf(`    gates:\n    - ${gate}`)

const at = 'environments.prod.gates[0]'

describe('a mistake in a gate is reported with line and column', () => {
  it.each([
    ['{ name: a, signature: { } }', [`11:29 ${at}.signature.signedBy: the key is missing`]],
    ['{ name: a, attestation: { type: t } }', [`11:31 ${at}.attestation.signedBy: the key is missing`]],
    ['{ name: a, scan: { failOn: high, maxAge: 24h } }', [`11:24 ${at}.scan.signedBy: the key is missing`]],
    [
      '{ name: a, scan: { signedBy: [build], failOn: high } }',
      [`11:24 ${at}.scan.maxAge: the key is missing`],
    ],
    [
      '{ name: a, scan: { signedBy: [build], failOn: high, maxAge: 24h, vex: {} } }',
      [`11:77 ${at}.scan.vex.signedBy: the key is missing`],
    ],
    [
      '{ name: a, soak: { environment: staging, minSoak: 1h } }',
      [`11:24 ${at}.soak.signedBy: the key is missing`],
    ],
    ['{ name: a, completeness: {} }', [`11:32 ${at}.completeness.signedBy: the key is missing`]],
    ['{ name: a, approvals: {} }', [`11:29 ${at}.approvals.approvers: the key is missing`]],
    [
      '{ name: a, signature: { signedBy: [] } }',
      [`11:41 ${at}.signature.signedBy: must have at least one entry`],
    ],
    ['{ name: a, sbom: { signedBy: [] } }', [`11:36 ${at}.sbom.signedBy: must have at least one entry`]],
    [
      '{ name: a, approvals: { approvers: [] } }',
      [`11:42 ${at}.approvals.approvers: must have at least one entry`],
    ],
    [
      `{ name: a, signature: { signedBy: [${'build, '.repeat(101)}] } }`,
      [`11:41 ${at}.signature.signedBy: must have at most 100 entries`],
    ],
    ['{ name: a, images: [], sbom: {} }', [`11:26 ${at}.images: must have at least one entry`]],
    ['{ name: a, operations: [], sbom: {} }', [`11:30 ${at}.operations: must have at least one entry`]],
    [
      '{ name: a, signature: { signedBy: [biuld] } }',
      [`11:42 ${at}.signature.signedBy[0]: there is no signer "biuld"; did you mean "build"?`],
    ],
    [
      '{ name: a, signature: { signedBy: [nobody] } }',
      [`11:42 ${at}.signature.signedBy[0]: there is no signer "nobody"; known: build, scanner`],
    ],
    [
      '{ name: a, signature: { signedBy: [build, build], count: 2 } }',
      [`11:49 ${at}.signature.signedBy[1]: build is listed twice`],
    ],
    [
      '{ name: a, scan: { signedBy: [scaner], failOn: high, maxAge: 1d, vex: { signedBy: [bulid] } } }',
      [
        `11:37 ${at}.scan.signedBy[0]: there is no signer "scaner"; did you mean "scanner"?`,
        `11:90 ${at}.scan.vex.signedBy[0]: there is no signer "bulid"; did you mean "build"?`,
      ],
    ],
    [
      '{ name: a, approvals: { approvers: [leeds] } }',
      [`11:43 ${at}.approvals.approvers[0]: there is no group of approvers "leeds"; did you mean "leads"?`],
    ],
    [
      '{ name: a, soak: { environment: stagin, minSoak: 1h, signedBy: [build] } }',
      [`11:39 ${at}.soak.environment: there is no environment "stagin"; did you mean "staging"?`],
    ],
    [
      '{ name: a, soak: { environment: prod, minSoak: 1h, signedBy: [build] } }',
      [`11:39 ${at}.soak.environment: prod cannot be its own environment to soak in`],
    ],
    [
      '{ name: a, soak: { environment: staging, minSoak: 0d, signedBy: [build] } }',
      [`11:57 ${at}.soak.minSoak: 0d is not an age: every image is older`],
    ],
    [
      '{ name: a, soak: { environment: staging, minSoak: 1y, signedBy: [build] } }',
      [`11:57 ${at}.soak.minSoak: must be an age, for example 30m, 24h, 7d or 2w`],
    ],
    [
      '{ name: a, approvals: { approvers: [leads], maxAge: 90 } }',
      [`11:59 ${at}.approvals.maxAge: must be an age, for example 30m, 24h, 7d or 2w`],
    ],
    [
      '{ name: a, scan: { signedBy: [build], failOn: hihg, maxAge: 24h } }',
      [`11:53 ${at}.scan.failOn: "hihg" is not a severity; did you mean "high"?`],
    ],
    [
      '{ name: a, scan: { signedBy: [build], failOn: 7, maxAge: 24h } }',
      [`11:53 ${at}.scan.failOn: must be negligible, low, medium, high or critical`],
    ],
    [
      '{ name: a, signature: { signedBy: [build, scanner], count: 3 } }',
      [`11:66 ${at}.signature.count: 3 different signers are needed, but \`signedBy\` has only 2 signers`],
    ],
    [
      '{ name: a, attestation: { type: t, signedBy: [build], count: 2 } }',
      [`11:68 ${at}.attestation.count: 2 different signers are needed, but \`signedBy\` has only one signer`],
    ],
    [
      '{ name: a, signature: { signedBy: [build], count: 0 } }',
      [`11:57 ${at}.signature.count: must be at least 1`],
    ],
    [
      '{ name: a, approvals: { approvers: [leads], count: 2 } }',
      [`11:58 ${at}.approvals.count: 2 people cannot approve: only ada can`],
    ],
    [
      '{ name: a, approvals: { approvers: [robots] } }',
      [
        '3:87 approvers.robots.r2.actors: r2 has no `actors`: dray recognises the approval of the person who promotes by `actors`; add it, or set `allowSelfApproval`',
      ],
    ],
    [
      '{ name: a }',
      [
        `11:7 ${at}: a gate needs one of signature, attestation, scan, sbom, soak, approvals, completeness, cel`,
      ],
    ],
    [
      '{ name: a, sbom: {}, completeness: { signedBy: [build] } }',
      [`11:28 ${at}.completeness: a gate has exactly one kind, but this one has sbom and completeness`],
    ],
    ['{ sbom: {} }', [`11:7 ${at}.name: the key is missing`]],
    [
      '{ name: 1st, sbom: {} }',
      [`11:15 ${at}.name: must consist of up to 63 letters, digits, "-" and "_", and begin with a letter`],
    ],
    [
      '{ name: a, sbom: {}, signedBy: [build] }',
      [
        `11:28 ${at}.signedBy: unknown key "signedBy"; known here: name, signature, attestation, scan, sbom, soak, approvals, completeness, cel, appliesTo, images, excludeImages, operations, mode, override`,
      ],
    ],
    [
      '{ name: a, signatur: { signedBy: [build] } }',
      [`11:18 ${at}.signatur: unknown key "signatur"; did you mean "signature"?`],
    ],
    [
      '{ name: a, sbom: {}, images: ["srv-*"] }',
      [`11:37 ${at}.images[0]: "srv-*" matches no configured image; known: api, web`],
    ],
    [
      '{ name: a, sbom: {}, images: [api, wbe] }',
      [`11:42 ${at}.images[1]: "wbe" matches no configured image; did you mean "web"?`],
    ],
    [
      '{ name: a, sbom: {}, excludeImages: [api, "w*"] }',
      [`11:7 ${at}: the gate matches no image that \`images\` of the file lists`],
    ],
    [
      '{ name: a, sbom: {}, excludeImages: ["*"] }',
      [`11:7 ${at}: the gate matches no image: \`excludeImages\` excludes all of them`],
    ],
    [
      '{ name: a, sbom: {}, images: ["API*", "a//b", "api:1"] }',
      [
        `11:37 ${at}.images[0]: "API*" is not a glob of image names`,
        `11:45 ${at}.images[1]: "a//b" is not a glob of image names`,
        `11:53 ${at}.images[2]: "api:1" is not a glob of image names`,
      ],
    ],
    [
      '{ name: a, sbom: {}, excludeImages: ["@prod/*"] }',
      [`11:44 ${at}.excludeImages[0]: "@prod/*" is not a glob of image names`],
    ],
    [
      '{ name: a, sbom: {}, operations: [promote, tag, promote] }',
      [`11:55 ${at}.operations[2]: promote is listed twice`],
    ],
    [
      '{ name: a, sbom: {}, operations: [prmote] }',
      [`11:41 ${at}.operations[0]: "prmote" is not an operation with gates; did you mean "promote"?`],
    ],
    ['{ name: a, sbom: {}, mode: wran }', [`11:34 ${at}.mode: "wran" is not a mode; did you mean "warn"?`]],
    ['{ name: a, sbom: {}, mode: off }', [`11:34 ${at}.mode: must be enforce or warn`]],
    [
      '{ name: a, sbom: {}, override: nevr }',
      [`11:38 ${at}.override: "nevr" is not a value of override; did you mean "never"?`],
    ],
    [
      '{ name: a, sbom: { formats: [spdx, cyclone] } }',
      [`11:42 ${at}.sbom.formats[1]: "cyclone" is not a format of SBOMs; did you mean "cyclonedx"?`],
    ],
    ['{ name: a, sbom: { minComponents: 0 } }', [`11:41 ${at}.sbom.minComponents: must be at least 1`]],
    ['{ name: a, cel: { expression: "" } }', [`11:37 ${at}.cel.expression: must be a CEL expression`]],
    ['[signed]', [`11:7 ${at}: must be a map, but is a list`]],
    ['signed', [`11:7 ${at}: must be a map with \`name\` and one kind of gate`]],
  ])('%s', async (gate, expected) => {
    expect(await mistakesOfGate(gate)).toEqual(expected)
  })

  it('if two gates of an environment have one name, and not of two environments', async () => {
    const two = '    gates: [{ name: a, sbom: {} }, { name: a, sbom: {} }]'
    expect(await mistakesOf(two)).toEqual(['10:44 environments.prod.gates[1].name: "a" is given twice'])
    const other =
      '    gates: [{ name: a, sbom: {} }]\n  qa: { registry: r.io, path: "qa/{image}", gates: [{ name: a, sbom: {} }] }'
    expect(await mistakesOf(other)).toEqual([])
  })
})

describe('an exception', () => {
  const scan = (exception: string): string =>
    `{ name: a, scan: { signedBy: [build], failOn: high, maxAge: 24h, exceptions: [${exception}] } }`
  const path = `${at}.scan.exceptions[0]`

  it.each([
    ['{ id: CVE-1, reason: r }', [`11:85 ${path}.expires: the key is missing`]],
    ['{ id: CVE-1, expires: 2027-01-31 }', [`11:85 ${path}.reason: the key is missing`]],
    ['{ expires: 2027-01-31, reason: r }', [`11:85 ${path}.id: the key is missing`]],
    ['{ id: CVE-1, expires: 2027-01-31, reason: "" }', [`11:127 ${path}.reason: must be a reason`]],
    [
      '{ id: CVE-1, expires: soon, reason: r }',
      [`11:107 ${path}.expires: must be a date such as 2027-01-31`],
    ],
    [
      '{ id: CVE-1, expires: 2027-02-30, reason: r }',
      [`11:107 ${path}.expires: 2027-02-30 is not a day of the calendar`],
    ],
    [
      '{ id: CVE-1, expires: 2027-11-29, reason: r }',
      [`11:107 ${path}.expires: an exception expires at most a year ahead: 2027-11-28 or earlier`],
    ],
    ['{ id: CVE-1, expires: 2027-11-28, reason: r }', []],
    // The gate reports an expired exception. A file must not become wrong on its own.
    ['{ id: CVE-1, expires: 2020-01-01, reason: r }', []],
  ])('%s', async (exception, expected) => {
    expect(await mistakesOfGate(scan(exception))).toEqual(expected)
  })
})

describe('a mistake in a signer is reported with line and column', () => {
  const keyless = 'issuer: https://i.example, trustedRoot: r.json'
  it.each([
    ['{}', ['2:16 signers.ci.keys: a signer needs `keys` or `keyless`']],
    ['{ keys: [] }', ['2:24 signers.ci.keys: must have at least one entry']],
    ['{ keys: [a.pub, ./a.pub] }', ['2:32 signers.ci.keys[1]: ./a.pub is listed twice']],
    ['{ keys: [5] }', ['2:25 signers.ci.keys[0]: must be the path of a PEM file']],
    [
      '{ keys: [{ file: a.pub, expires: 2026-02-29 }] }',
      ['2:49 signers.ci.keys[0].expires: 2026-02-29 is not a day of the calendar'],
    ],
    ['{ keys: [{ expires: 2026-02-28 }] }', ['2:25 signers.ci.keys[0].file: the key is missing']],
    [
      `{ keyless: { ${keyless} } }`,
      [
        '2:27 signers.ci.keyless.subject: `subject` or `subjectRegExp` is missing: without it, every account of the issuer is trusted',
      ],
    ],
    [
      `{ keyless: { ${keyless}, subject: a, subjectRegExp: b } }`,
      ['2:89 signers.ci.keyless.subjectRegExp: `subject` and `subjectRegExp` exclude each other'],
    ],
    [
      `{ keyless: { ${keyless}, subjectRegExp: "a(" } }`,
      ['2:92 signers.ci.keyless.subjectRegExp: "a(" is not a regular expression: missing closing ): `a(`'],
    ],
    [
      `{ keyless: { ${keyless}, subjectRegExp: "(?=a)" } }`,
      [
        '2:92 signers.ci.keyless.subjectRegExp: "(?=a)" is not a regular expression: invalid or unsupported Perl syntax: `(?=`',
      ],
    ],
    [
      `{ keyless: { ${keyless}, subject: "x/{repo}" } }`,
      [
        '2:86 signers.ci.keyless.subject: "x/{repo}" has an unknown placeholder {repo}; only {image} is known',
      ],
    ],
    [
      `{ keyless: { ${keyless}, subject: "https://x/***" } }`,
      ['2:86 signers.ci.keyless.subject: "https://x/***" is not a glob: write * or **'],
    ],
    [
      `{ keyless: { ${keyless}, subject: "**" } }`,
      ['2:86 signers.ci.keyless.subject: "**" matches every account of the issuer'],
    ],
    [
      '{ keyless: { issuer: i, subject: s, trustedRoot: root.pem } }',
      [
        '2:65 signers.ci.keyless.trustedRoot: root.pem is not a trusted root: its name ends in .json or .jsonl',
      ],
    ],
    [
      '{ keyless: { subject: s } }',
      [
        '2:27 signers.ci.keyless.issuer: the key is missing',
        '2:27 signers.ci.keyless.trustedRoot: the key is missing',
      ],
    ],
    [
      `{ keyless: { ${keyless}, subject: s, claims: { a: 5 } } }`,
      ['2:102 signers.ci.keyless.claims.a: must be text'],
    ],
    ['{ key: a.pub }', ['2:18 signers.ci.key: unknown key "key"; did you mean "keys"?']],
  ])('%s', async (signer, expected) => {
    expect(await mistakesOf('', `version: 1\nsigners: { ci: ${signer} }`)).toEqual(expected)
  })

  it('in an approver', async () => {
    const content = `version: 1
approvers:
  leads:
    ada: { actors: ["github:ada"] }
    b/ob: { keys: [b.pub], actors: [] }
`
    expect(await mistakesOf('', content)).toEqual([
      '4:10 approvers.leads.ada.keys: a signer needs `keys` or `keyless`',
      '5:5 approvers.leads["b/ob"]: must consist of letters, digits, ".", "_", "-", "@" and "+", and begin with a letter or digit',
      '5:36 approvers.leads["b/ob"].actors: must have at least one entry',
    ])
  })
})

describe('a mistake in the residency is reported with line and column', () => {
  it.each([
    ['{ images: [api] }', ['11:12 residency.rules[0]: a rule needs `allow` or `deny`']],
    ['{ allow: [] }', ['11:21 residency.rules[0].allow: must have at least one entry']],
    [
      '{ allow: ["eu.example.com"] }',
      [
        '11:22 residency.rules[0].allow[0]: "eu.example.com" is not a pattern of repositories: write eu.example.com/** for all repositories of a registry',
      ],
    ],
    [
      '{ deny: ["*.example.com/**"] }',
      [
        '11:21 residency.rules[0].deny[0]: "*.example.com/**" is not a pattern of repositories: a registry cannot have wildcards',
      ],
    ],
    [
      '{ allow: ["oci:/srv/**"] }',
      [
        '11:22 residency.rules[0].allow[0]: "oci:/srv/**" is not a pattern: write oci:** for all image layouts',
      ],
    ],
    [
      '{ from: ["@prdo/*"], deny: ["oci:**"] }',
      ['11:21 residency.rules[0].from[0]: there is no environment "prdo"; did you mean "prod"?'],
    ],
    [
      '{ images: ["A*"], deny: ["oci:**"] }',
      ['11:23 residency.rules[0].images[0]: "A*" is not a glob of image names'],
    ],
    ['{ labels: { a: 1 }, deny: ["oci:**"] }', ['11:27 residency.rules[0].labels.a: must be text']],
  ])('%s', async (rule, expected) => {
    expect(await mistakesOf(`residency:\n  rules: [ ${rule} ]`)).toEqual(expected)
  })

  it('in the default', async () => {
    expect(await mistakesOf('residency: { default: dney }')).toEqual([
      '10:23 residency.default: "dney" is not a default; did you mean "deny"?',
    ])
  })
})

describe('a pattern of `require`', () => {
  it.each([
    [
      "[{ ticket: 'OPS-(' }]",
      [
        '10:25 environments.prod.require[0].ticket: "OPS-(" is not a regular expression: missing closing ): `OPS-(`',
      ],
    ],
    [
      '[{ tikcet: a }]',
      ['10:17 environments.prod.require[0].tikcet: unknown key "tikcet"; did you mean "ticket"?'],
    ],
    [
      '[{}]',
      [
        "10:15 environments.prod.require[0]: must be reason or ticket, or a map such as { ticket: 'OPS-[0-9]+' }",
      ],
    ],
    ['[{ reason: 5 }]', ['10:25 environments.prod.require[0].reason: must be a regular expression']],
    ['[tcket]', ['10:15 environments.prod.require[0]: must be reason, ticket or signed']],
  ])('%s', async (require, expected) => {
    expect(await mistakesOf(`    require: ${require}`)).toEqual(expected)
  })

  it('may be signed only in an environment', async () => {
    expect(await mistakesOf('    require: [signed]')).toEqual([])
    expect(await mistakesOf('audit: { require: [signed] }')).toEqual([
      expect.stringContaining('audit.require[0]: must be reason or ticket'),
    ])
  })

  it('is checked in `audit.require` too', async () => {
    expect(await mistakesOf("audit: { require: [{ reason: '*' }] }")).toEqual([
      '10:30 audit.require[0].reason: "*" is not a regular expression: missing argument to repetition operator: `*`',
    ])
  })
})

describe('one run reports the mistakes of all sections', () => {
  it('and of the rest of the file', async () => {
    const found = await mistakesOf(
      '',
      `version: 1
signers:
  build: { keys: [a.pub], keyless: { issuer: i, trustedRoot: r.txt } }
  scanner: { key: [b.pub] }
approvers: { leads: { ada: { keys: [c.pub] } } }
environments:
  prod:
    registry: r.io
    path: "prod/{image}"
    promotFrom: [dev]
    gates:
      - { name: a, signature: { signedBy: [scanner, biuld] } }
      - { name: b, scan: { signedBy: [scanner], failOn: bad, maxAge: 0h } }
      - { name: b, approvals: { count: 2, approvers: [leads] } }
residency: { rules: [{ images: [api] }] }
retention: { rules: [{ name: a, tags: { regex: "(" } }] }
`,
    )
    expect(found).toEqual([
      '3:36 signers.build.keyless.subject: `subject` or `subjectRegExp` is missing: without it, every account of the issuer is trusted',
      '3:62 signers.build.keyless.trustedRoot: r.txt is not a trusted root: its name ends in .json or .jsonl',
      '4:14 signers.scanner.key: unknown key "key"; did you mean "keys"?',
      '5:28 approvers.leads.ada.actors: ada has no `actors`: dray recognises the approval of the person who promotes by `actors`; add it, or set `allowSelfApproval`',
      '10:5 environments.prod.promotFrom: unknown key "promotFrom"; did you mean "promoteFrom"?',
      '12:53 environments.prod.gates[0].signature.signedBy[1]: there is no signer "biuld"; did you mean "build"?',
      '13:57 environments.prod.gates[1].scan.failOn: must be negligible, low, medium, high or critical',
      '14:17 environments.prod.gates[2].name: "b" is given twice',
      '14:40 environments.prod.gates[2].approvals.count: 2 people cannot approve: only ada can',
      '15:22 residency.rules[0]: a rule needs `allow` or `deny`',
    ])
  })
})

it('a file with a section and without its reader is never read as if it had none', async () => {
  const { parseConfig } = await import('../../../src/config/parse.ts')
  for (const section of [
    'signers: { a: { keys: [a.pub] } }',
    'approvers: {}',
    'residency: {}',
    "audit: { require: [{ ticket: 'OPS-1' }] }",
    'environments: { a: { registry: r.io, path: "{image}", gates: [] } }',
  ]) {
    const content = `version: 1\n${section}\n`
    expect(() => parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml'), section).toThrow(
      expect.objectContaining({ code: 'internal' }),
    )
    expect((await readGatedConfig(content)).name).toBe('dray.yaml')
  }
})
