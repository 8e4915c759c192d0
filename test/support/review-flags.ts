/** The flags of `dray apply` that a review uses, without any of them. */
export const reviewFlags = {
  'move-tag': false,
  'allow-backward': false,
  'allow-copy': false,
  partial: false,
  evidence: true,
  'allow-missing-evidence': false,
  'evidence-conflict': 'refuse',
  attest: undefined,
} as const
