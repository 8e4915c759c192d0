import * as v from 'valibot'
import { environmentName } from '../config.ts'
import { described, flag, keyPassword, optional, pattern, pemFile, text, variable, webUrl } from './schema-parts.ts'
import { registry } from './schema-registry.ts'
import { retention } from './schema-retention.ts'

const registryHost = described(
  text('a host'),
  'The host of the registry, with its port, as in a reference.',
)
const repositoryPath = described(
  text('a path with {image} in it'),
  'The path of the repository; {image} stands for the name of the image and must be in it once.',
)
const target = described(
  v.strictObject({ registry: registryHost, path: repositoryPath }),
  'One registry and path of an environment.',
)

const requirements = optional(
  v.array(
    v.picklist(['reason', 'ticket'], 'must be reason or ticket'),
    'must be a list of reason and ticket',
  ),
  'What every change has to be given: a reason (--reason), a ticket (--ticket).',
)
const webhook = optional(
  v.strictObject({
    url: described(webUrl, 'Where an event for each outcome is sent.'),
    format: optional(
      v.picklist(['cloudevents', 'ocsf'], 'must be cloudevents or ocsf'),
      'What an event looks like.',
    ),
    secretEnv: optional(variable, 'The environment variable with the secret that events are signed with.'),
    required: optional(flag, 'Whether a run fails whose events do not arrive.'),
    insecure: optional(flag, 'Send by plain HTTP to another machine.'),
  }),
  'A web address that hears of every outcome, to start a deployment, say.',
)
const signing = optional(
  v.strictObject({
    key: described(pemFile, 'The private key (Ed25519 or ECDSA P-256, PEM), relative to this file.'),
    passwordEnv: keyPassword,
    name: optional(
      pattern('a name', /^[^\s+]+$/, 'must have no spaces and no plus sign'),
      'What the key is called in checkpoints, such as example.com/dray.',
    ),
  }),
  'What attestations, checkpoints and saved plans are signed with.',
)

const tagLevels = ['exact', 'minor', 'major', 'latest'] as const
const channel = pattern(
  'a name',
  /^[A-Za-z][0-9A-Za-z-]*$/,
  'must be of letters, digits and "-", and begin with a letter',
)
const tagRules = optional(
  v.strictObject({
    semver: optional(
      v.array(
        v.picklist(tagLevels, `must be one of ${tagLevels.join(', ')}`),
        `must be a list of ${tagLevels.join(', ')}`,
      ),
      'The tags that the promotion of a version keeps up: 1.4.2 (exact), 1.4 (minor), 1 (major), latest. `exact` must be among them.',
    ),
    immutable: optional(
      v.array(text('a glob of tags'), 'must be a list of globs of tags'),
      'Globs (*, ?) of tags that do not move; exact versions never do.',
    ),
    v: optional(
      v.picklist(['keep', 'none', 'always'], 'must be keep, none or always'),
      'Whether tags of versions begin with "v" where the repository does not say so itself: as the version is given, never (the default), always.',
    ),
    channels: optional(
      v.array(channel, 'must be a list of names'),
      'Channels of pre-releases: with "beta", 2.0.0-beta.3 moves the tag beta, forward only.',
    ),
    buildMetadata: optional(
      flag,
      'Whether 1.4.1_build.7 is read as the version 1.4.1+build.7; else it is no version.',
    ),
    majorZero: optional(flag, 'Whether 0.3.1 moves the tag 0; it does not where this is not given.'),
  }),
  'What happens to tags here.',
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
      'Several registries and paths, one for each region, say; instead of `registry` and `path`.',
    ),
    attest: optional(flag, 'Whether a statement of each promotion to it is put beside the image.'),
    require: requirements,
    tags: tagRules,
    marker: optional(
      text('a tag'),
      'The tag that says what is current here, for `dray status`; latest where it is not given.',
    ),
    promoteFrom: optional(
      v.array(text('the name of an environment'), 'must be a list of environments'),
      'The environments that images may come from; any where it is not given.',
    ),
  }),
  'A named set of repositories.',
)

const imageEntry = described(
  v.strictObject({
    name: optional(
      text('a name'),
      'What stands for {image} in paths, where it is not the name itself.',
    ),
  }),
  'An image.',
)

const name = v.pipe(
  v.string(),
  v.regex(environmentName, 'must be of lower-case letters, digits and "-", and not begin with "-"'),
)

/** `dray.yaml` as a person writes it. `check.ts` has the rules that span several keys. */
export const schema = v.pipe(
  v.strictObject({
    $schema: optional(v.string('must be the address of a JSON Schema'), 'The schema, for editors.'),
    version: described(v.literal(1, 'must be 1'), 'The version of this format.'),
    registries: optional(
      v.record(v.string(), registry, 'must be a map'),
      'Registries that are reached in a way of their own, by host.',
    ),
    environments: optional(
      v.record(name, environment, 'must be a map'),
      'The environments, by name: `@NAME` in an address.',
    ),
    images: optional(
      v.record(v.string(), v.nullable(imageEntry), 'must be a map'),
      'The images, where they are to be listed; without it any name is an image.',
    ),
    retention: v.optional(retention),
    audit: optional(
      v.strictObject({
        file: optional(
          text('the path of a file'),
          'Where the record of changes goes, relative to this file.',
        ),
        require: requirements,
        sign: signing,
        repository: optional(
          text('a repository'),
          'The repository that checkpoints are pushed to: registry.example.com/audit/dray.',
        ),
        webhook,
      }),
      'The record of changes.',
    ),
  }),
  v.title('dray.yaml'),
)

export type WrittenConfig = v.InferOutput<typeof schema>
export type WrittenEnvironment = v.InferOutput<typeof environment>
