import * as v from 'valibot'
import { environmentName } from '../config.ts'
import { described, flag, keyPassword, optional, pattern, pemFile, text, variable, webUrl } from './schema-parts.ts'
import { environmentRequirements, gates, requirements, residency } from './schema-gates.ts'
import { gitopsKeys } from './schema-gitops.ts'
import { registry } from './schema-registry.ts'
import { retention } from './schema-retention.ts'
import { approvers, signers } from './schema-signers.ts'
import { sync, transfer } from './schema-sync.ts'
import { readingKeys, tagRules } from './schema-tags.ts'
import { watch } from './schema-watch.ts'

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
      v.picklist(['cloudevents', 'cdevents', 'ocsf'], 'must be cloudevents, cdevents or ocsf'),
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
    require: environmentRequirements,
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
    ...gitopsKeys,
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
    sync: v.optional(sync),
    watch: v.optional(watch),
    transfer,
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
        timezone: optional(
          text('the name of a time zone, such as Europe/Berlin'),
          'The time zone in which dray audit anomalies counts hours and days, such as Europe/Berlin. The default is UTC.',
        ),
      }),
      'The audit log.',
    ),
  }),
  v.title('dray.yaml'),
)

export type WrittenConfig = v.InferOutput<typeof schema>
export type WrittenEnvironment = v.InferOutput<typeof environment>
