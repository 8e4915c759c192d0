import * as v from 'valibot'
import { environmentName } from '../config.ts'
import { described, flag, keyPassword, optional, pattern, pemFile, text, variable, webUrl } from './schema-parts.ts'
import { gates, requirements, residency } from './schema-gates.ts'
import { registry } from './schema-registry.ts'
import { retention } from './schema-retention.ts'
import { approvers, signers } from './schema-signers.ts'

const registryHost = described(
  text('a host'),
  'The host of the registry, with its port if it has one, as in a reference.',
)
const repositoryPath = described(
  text('a path that contains {image}'),
  'The path of the repository. It contains {image} once, in place of the image name.',
)
const target = described(
  v.strictObject({ registry: registryHost, path: repositoryPath }),
  'One registry and path of an environment.',
)

const webhook = optional(
  v.strictObject({
    url: described(webUrl, 'The URL that receives an event for each outcome.'),
    format: optional(
      v.picklist(['cloudevents', 'ocsf'], 'must be cloudevents or ocsf'),
      'The format of the events.',
    ),
    secretEnv: optional(variable, 'The environment variable with the secret that signs the events.'),
    required: optional(flag, 'Fail the run if an event is not delivered.'),
    insecure: optional(flag, 'Allow plain HTTP to another machine.'),
  }),
  'A webhook that receives every outcome, for example to start a deployment.',
)
const signing = optional(
  v.strictObject({
    key: described(pemFile, 'The private key (Ed25519 or ECDSA P-256, PEM), relative to this file.'),
    passwordEnv: keyPassword,
    name: optional(
      pattern('a name', /^[^\s+]+$/, 'must have no spaces and no plus sign'),
      'The name of the key in checkpoints, for example example.com/dray.',
    ),
  }),
  'The key that signs attestations, checkpoints and saved plans.',
)

const tagLevels = ['exact', 'minor', 'major', 'latest'] as const
const schemes = ['semver', 'calver', 'loose'] as const
const channel = pattern(
  'a name',
  /^[A-Za-z][0-9A-Za-z-]*$/,
  'must consist of letters, digits and "-", and begin with a letter',
)
const tagGlobs = v.array(text('a glob of tags'), 'must be a list of globs of tags')
/** How tags are read as versions. */
const readingKeys = {
  scheme: optional(
    v.picklist(schemes, `must be one of ${schemes.join(', ')}`),
    'The numbers of versions: three, the first below 1970 (semver, the default); a date such as 2024.04.1 (calver); three or four with any zero padding (loose).',
  ),
  variants: optional(
    v.array(text('a glob of suffixes'), 'must be a list of globs of suffixes'),
    'Globs (*, ?) of suffixes that are variants and not pre-releases: with "alpine", 1.4.2-alpine has the floating tags 1.4-alpine, 1-alpine and alpine.',
  ),
  ignoreVersions: optional(tagGlobs, 'Globs (*, ?) of tags that are never versions.'),
  buildMetadata: optional(
    flag,
    'Read the tag 1.4.1_build.7 as the version 1.4.1+build.7. By default it is not a version.',
  ),
}
const tagRules = optional(
  v.strictObject({
    semver: optional(
      v.array(
        v.picklist(tagLevels, `must be one of ${tagLevels.join(', ')}`),
        `must be a list of ${tagLevels.join(', ')}`,
      ),
      'The tags that a promotion of a version writes: 1.4.2 (exact), 1.4 (minor), 1 (major), latest. The list must contain `exact`.',
    ),
    immutable: optional(
      tagGlobs,
      'Globs (*, ?) of further tags that do not move. Version tags never move.',
    ),
    v: optional(
      v.picklist(['keep', 'none', 'always'], 'must be keep, none or always'),
      'Whether version tags begin with "v" if the repository has no version tags yet: as given (keep), never (none, the default) or always.',
    ),
    channels: optional(
      v.array(channel, 'must be a list of names'),
      'Channels of pre-releases. With "beta", 2.0.0-beta.3 moves the floating tag beta, forward only.',
    ),
    ...readingKeys,
    majorZero: optional(flag, 'Move the floating tag 0 to versions such as 0.3.1. The default is false.'),
  }),
  'The tag policy of the environment.',
)

const environment = described(
  v.strictObject({
    registry: v.optional(registryHost),
    path: v.optional(repositoryPath),
    targets: optional(
      v.pipe(
        v.array(target, 'must be a list of registries and paths'),
        v.minLength(1, 'must have at least one entry'),
      ),
      'Several registries and paths, for example one for each region. It replaces `registry` and `path`.',
    ),
    attest: optional(flag, 'Attach a signed attestation of each promotion to the image.'),
    require: requirements,
    gates,
    tags: tagRules,
    currentTag: optional(
      text('a tag'),
      'The current-version tag: it shows which version is deployed. The default is latest.',
    ),
    promoteFrom: optional(
      v.array(text('the name of an environment'), 'must be a list of environments'),
      'The environments from which images may be promoted. By default all.',
    ),
  }),
  'An environment: a set of repositories with a name.',
)

const imageEntry = described(
  v.strictObject({
    name: optional(
      text('a name'),
      'The text that replaces {image} in paths. By default the name of the image.',
    ),
    tags: optional(
      v.strictObject(readingKeys),
      'How the tags of the image are read as versions in every environment. A key replaces that of the environment.',
    ),
  }),
  'An image.',
)

const name = v.pipe(
  v.string(),
  v.regex(environmentName, 'must consist of lower-case letters, digits and "-", and not begin with "-"'),
)

/** `dray.yaml` as a person writes it. `check.ts` has the rules that span several keys. */
export const schema = v.pipe(
  v.strictObject({
    $schema: optional(v.string('must be the URL of a JSON Schema'), 'The JSON Schema, for editors.'),
    version: described(v.literal(1, 'must be 1'), 'The version of the file format.'),
    registries: optional(
      v.record(v.string(), registry, 'must be a map'),
      'Connection settings of registries, by host.',
    ),
    environments: optional(
      v.record(name, environment, 'must be a map'),
      'The environments by name, in the order of promotion. `@NAME` selects one in an argument.',
    ),
    images: optional(
      v.record(v.string(), v.nullable(imageEntry), 'must be a map'),
      'The images by name. Without this key, every name is an image.',
    ),
    signers,
    approvers,
    residency,
    retention: v.optional(retention),
    audit: optional(
      v.strictObject({
        file: optional(
          text('the path of a file'),
          'The path of the audit log, relative to this file.',
        ),
        require: requirements,
        sign: signing,
        repository: optional(
          text('a repository'),
          'The repository for checkpoints, for example registry.example.com/audit/dray.',
        ),
        webhook,
      }),
      'The audit log.',
    ),
  }),
  v.title('dray.yaml'),
)

export type WrittenConfig = v.InferOutput<typeof schema>
export type WrittenEnvironment = v.InferOutput<typeof environment>
