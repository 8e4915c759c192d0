import * as v from 'valibot'
import { nearest } from '../../lib/nearest.ts'
import { severities } from '../../reports/vulnerability.ts'
import { described, either, flag, list, optional, shortList, pattern, text, whole } from './schema-parts.ts'
import { date, signerNames } from './schema-signers.ts'

/** One of several words. The message has the nearest one. @param what such as `a severity` */
const oneOf = <const T extends readonly string[]>(what: string, words: T) =>
  v.picklist(words, ({ input }) => {
    const near = typeof input === 'string' ? nearest(input, words) : undefined
    if (near === undefined) return `must be ${formatChoice(words)}`
    return `${JSON.stringify(input)} is not ${what}; did you mean ${JSON.stringify(near)}?`
  })

function formatChoice(words: readonly string[]): string {
  return words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

const ageShape = 'must be an age, for example 30m, 24h, 7d or 2w'
const age = v.pipe(v.string(ageShape), v.regex(/^\d+[mhdw]$/, ageShape))
const expression = text('a CEL expression')
const count = optional(
  whole(1),
  'The number of different signers or people that are needed. The default is 1.',
)
const signedBy = described(
  signerNames,
  'The names of signers. Each of them is trusted, and one is enough.',
)

const signature = v.strictObject(
  {
    signedBy,
    count,
    annotations: optional(
      v.record(text('a name'), v.string('must be text'), 'must be a map of names and texts'),
      'Signed annotations that must be there with exactly these values.',
    ),
  },
  'must be a map with `signedBy`',
)

const attestation = v.strictObject(
  {
    type: described(text('a predicate type'), 'The predicate type, exactly as in the statement.'),
    signedBy,
    count,
    expression: optional(
      expression,
      'A CEL expression over `predicate`, `subject` and `signer` that must be true.',
    ),
    newestOnly: optional(
      flag,
      'The newest attestation of the type decides. By default one that passes is enough.',
    ),
  },
  'must be a map with `type` and `signedBy`',
)

const exception = v.strictObject(
  {
    id: described(text('the id of a vulnerability'), 'The id or an alias of the vulnerability.'),
    package: optional(
      text('a package'),
      'The name or package URL of the package. By default every package.',
    ),
    expires: described(
      date,
      'The last day of the exception (UTC), such as 2027-01-31, at most a year ahead.',
    ),
    reason: described(text('a reason'), 'Why the vulnerability is accepted.'),
  },
  'must be a map with `id`, `expires` and `reason`',
)

const scan = v.strictObject(
  {
    signedBy,
    failOn: described(
      oneOf('a severity', severities),
      'The lowest severity that fails the gate: negligible, low, medium, high or critical.',
    ),
    maxAge: described(age, 'The maximum age of the newest report: 24h, 7d.'),
    vex: optional(
      v.strictObject({ signedBy }, 'must be a map with `signedBy`'),
      'VEX documents of these signers suppress vulnerabilities that are fixed or do not affect the image.',
    ),
    exceptions: optional(list(exception, 'exceptions'), 'Vulnerabilities that are accepted for a time.'),
    unknownSeverity: optional(
      oneOf('a value of unknownSeverity', ['critical', 'ignore']),
      'How to treat a vulnerability of unknown severity: as critical (default), or ignore it.',
    ),
    ignoreUnfixed: optional(flag, 'Ignore vulnerabilities without a fixed version. The default is false.'),
    allowReportFile: optional(flag, 'Accept unsigned report files of --scan-report. The default is false.'),
  },
  'must be a map with `signedBy`, `failOn` and `maxAge`',
)

const sbom = v.strictObject(
  {
    signedBy: optional(
      signerNames,
      'The names of signers. Without them, the SBOM need not be signed.',
    ),
    formats: optional(
      list(oneOf('a format of SBOMs', ['spdx', 'cyclonedx']), 'spdx and cyclonedx'),
      'The accepted formats: spdx, cyclonedx. By default both.',
    ),
    minComponents: optional(whole(1), 'The minimum number of components. The default is 1.'),
  },
  'must be a map',
)

const soak = v.strictObject(
  {
    environment: described(
      text('the name of an environment'),
      'The environment in which the image must have been before.',
    ),
    minSoak: described(age, 'How long ago the image must have been promoted there: 24h, 7d.'),
    signedBy,
    requireCurrent: optional(
      flag,
      'The current-version tag of that environment must be on the image now. The default is false.',
    ),
  },
  'must be a map with `environment`, `minSoak` and `signedBy`',
)

const approvals = v.strictObject(
  {
    count: optional(whole(1), 'The number of people who must approve. The default is 1.'),
    approvers: described(
      shortList(text('the name of a group'), 'groups of approvers'),
      'The names of groups of approvers.',
    ),
    maxAge: optional(age, 'The maximum age of an approval: 24h, 7d. By default it does not age.'),
    allowSelfApproval: optional(
      flag,
      'Count the approval of the person who promotes. The default is false.',
    ),
  },
  'must be a map with `approvers`',
)

const completeness = v.strictObject({ signedBy }, 'must be a map with `signedBy`')

const cel = v.strictObject(
  {
    expression: described(expression, 'A CEL expression over verified content that must be true.'),
    message: optional(text('a message'), 'The demand of the rule, for people.'),
  },
  'must be a map with `expression`',
)

const imageGlobs = shortList(text('a glob of images'), 'globs of images')

const gate = described(
  v.strictObject(
    {
      name: described(
        pattern(
          'a name',
          /^[A-Za-z][A-Za-z0-9_-]{0,62}$/,
          'must consist of up to 63 letters, digits, "-" and "_", and begin with a letter',
        ),
        'The name of the gate, unique in its environment. Flags, audit records and CEL rules use it.',
      ),
      signature: optional(signature, 'The image must have a signature of one of the signers.'),
      attestation: optional(attestation, 'The image must have a signed in-toto attestation of a type.'),
      scan: optional(
        scan,
        'Each platform image must have a recent scan report without severe vulnerabilities.',
      ),
      sbom: optional(sbom, 'Each platform image must have an SBOM.'),
      soak: optional(soak, 'The image must have been in another environment for a time.'),
      approvals: optional(approvals, 'People must have approved the image.'),
      completeness: optional(
        completeness,
        'All attached artifacts that an attestation of an earlier promotion lists must still be there.',
      ),
      cel: optional(cel, 'A rule over what the other gates have verified.'),
      appliesTo: optional(
        oneOf('a value of appliesTo', ['image', 'platforms', 'all']),
        'The subject of the gate: the resolved image, each platform image, or both (all). The default is platforms for `scan` and `sbom`, and image for the others.',
      ),
      images: optional(imageGlobs, 'Globs (*, ?) of the names of images with this gate. By default all.'),
      excludeImages: optional(imageGlobs, 'Globs (*, ?) of the names of images without this gate.'),
      operations: optional(
        list(
          oneOf('an operation with gates', ['promote', 'copy', 'tag', 'sync', 'rollback']),
          'promote, copy, tag, sync and rollback',
        ),
        'The operations that evaluate the gate. The default is promote, copy, tag and sync.',
      ),
      mode: optional(
        oneOf('a mode', ['enforce', 'warn']),
        'enforce (default) refuses an image that fails the gate, and warn only reports it.',
      ),
      override: optional(
        oneOf('a value of override', ['allowed', 'never']),
        'Whether --override-gate may override the gate: allowed (default) or never.',
      ),
    },
    'must be a map with `name` and one kind of gate',
  ),
  'A gate: a check that must pass before dray writes an image to the environment. It has exactly one kind.',
)

export const gates = optional(
  v.array(gate, 'must be a list of gates'),
  'The gates of the environment. All of them must pass.',
)

const patterns = list(text('a pattern of repositories'), 'patterns of repositories')

const residencyRule = described(
  v.strictObject(
    {
      images: optional(imageGlobs, 'Globs (*, ?) of the names of images.'),
      from: optional(patterns, 'Patterns of source repositories: registry.example.com/team/**.'),
      labels: optional(
        v.record(text('a label'), v.string('must be text'), 'must be a map of labels and texts'),
        'Labels of the image with exactly these values.',
      ),
      allow: optional(
        patterns,
        'Patterns of repositories that may be written: eu.registry.example.com/**. `oci:**` is every image layout.',
      ),
      deny: optional(patterns, 'Patterns of repositories that must not be written.'),
    },
    'must be a map with `allow` or `deny`',
  ),
  'A rule. It is about the images that all of its selectors match, and about every image without selectors.',
)

export const residency = optional(
  v.strictObject({
    default: optional(
      oneOf('a default', ['allow', 'deny']),
      'Whether an image that no rule is about may be written: allow (default) or deny.',
    ),
    rules: optional(
      list(residencyRule, 'rules'),
      'The rules. Every matching rule must allow the repository.',
    ),
  }),
  'Where image content and attached artifacts may be written.',
)

const justificationPattern = text('a regular expression')
const justifications =
  "The justification that every change requires: a reason (--reason), a ticket (--ticket). A map adds a regular expression (RE2) that matches the whole text: { ticket: 'OPS-[0-9]+' }."
const justificationPatterns = v.strictObject(
  {
    reason: optional(justificationPattern, 'A regular expression (RE2) that matches the whole reason.'),
    ticket: optional(justificationPattern, 'A regular expression (RE2) that matches the whole ticket.'),
  },
  "must be reason or ticket, or a map such as { ticket: 'OPS-[0-9]+' }",
)
const isWord = (value: unknown): boolean => typeof value !== 'object' || value === null
const requirement = either(
  isWord,
  v.picklist(['reason', 'ticket'], 'must be reason or ticket'),
  justificationPatterns,
)
const environmentRequirement = either(
  isWord,
  v.picklist(['reason', 'ticket', 'signed'], 'must be reason, ticket or signed'),
  justificationPatterns,
)

export const requirements = optional(
  v.array(requirement, 'must be a list of reason and ticket'),
  justifications,
)

export const environmentRequirements = optional(
  v.array(environmentRequirement, 'must be a list of reason, ticket and signed'),
  `${justifications} signed refuses bundles that are not signed (dray bundle apply).`,
)

export type WrittenGate = v.InferOutput<typeof gate>
export type WrittenResidency = NonNullable<v.InferOutput<typeof residency>>
export type WrittenRequirement = v.InferOutput<typeof environmentRequirement>
