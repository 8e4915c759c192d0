/** The variables of a rule that have evidence which other gates verified. */
const ofEvidence = ['scan', 'sbom', 'signers'] as const

/**
 * Returns the names in an expression that have no verified evidence: `scan`, `attestations.NAME`.
 * Names in texts are found too.
 */
export function unboundEvidence(
  expression: string,
  variables: Readonly<Record<string, unknown>>,
): readonly string[] {
  const attestations = variables['attestations']
  const bound = typeof attestations === 'object' && attestations !== null ? Object.keys(attestations) : []
  const asked = [...expression.matchAll(/\battestations\s*(?:\.\s*(\w+)|\[\s*["']([^"']*)["']\s*\])/g)]
  return [
    ...ofEvidence.filter((name) => new RegExp(`\\b${name}\\b`).test(expression) && !(name in variables)),
    ...asked
      .map(([, field, key]) => field ?? key ?? '')
      .filter((name) => !bound.includes(name))
      .map((name) => `attestations.${name}`),
  ]
}
