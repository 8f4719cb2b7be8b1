# Runs once, as root, on an instance's first boot (Amazon Linux 2023). The lines before these, written by the template,
# set: REGION STACK RESOURCE IMAGE LOG_GROUP PUBLISH SECRET NUM_TRIES. No secret stands here: only the secret's ARN.
set -euo pipefail
export HOME=/root
instance=$(ec2-metadata --instance-id | cut --delimiter ' ' --fields 2)
finish() {
  trap - EXIT
  aws cloudformation signal-resource --region "$REGION" --stack-name "$STACK" --logical-resource-id "$RESOURCE" \
    --unique-id "$instance" --status "$1"
}
# CloudFormation waits for this word, and undoes the update when it is FAILURE or does not come.
trap 'finish FAILURE' EXIT

dnf install --assumeyes --quiet docker
systemctl enable --now docker

# Files of API keys hold hashes; the server reads them again when they change.
keys=()
if [ -n "$SECRET" ]; then
  install --directory --mode 0755 /etc/textwright
  cat > /usr/local/sbin/textwright-keys <<SCRIPT
#!/bin/bash
set -euo pipefail
aws secretsmanager get-secret-value --region '$REGION' --secret-id '$SECRET' --query SecretString --output text \
  > /etc/textwright/api-keys.new
chmod 0644 /etc/textwright/api-keys.new
mv /etc/textwright/api-keys.new /etc/textwright/api-keys
SCRIPT
  chmod 0755 /usr/local/sbin/textwright-keys
  /usr/local/sbin/textwright-keys
  cat > /etc/systemd/system/textwright-keys.service <<'UNIT'
[Unit]
Description=Fetch the API keys of the model

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/textwright-keys
UNIT
  cat > /etc/systemd/system/textwright-keys.timer <<'UNIT'
[Unit]
Description=Fetch the API keys of the model every five minutes

[Timer]
OnActiveSec=5min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
UNIT
  systemctl daemon-reload
  systemctl enable --now textwright-keys.timer
  keys=(--volume /etc/textwright:/etc/textwright:ro --env TEXTWRIGHT_SERVE_API_KEYS=/etc/textwright/api-keys)
fi

aws ecr get-login-password --region "$REGION" | docker login --username AWS --password-stdin "${IMAGE%%/*}"
docker pull --quiet "$IMAGE"
docker logout "${IMAGE%%/*}"
docker run --detach --name textwright --restart always --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges --pids-limit 256 --publish "$PUBLISH:8000" \
  --log-driver awslogs --log-opt awslogs-region="$REGION" --log-opt awslogs-group="$LOG_GROUP" \
  --log-opt awslogs-stream="$instance" "${keys[@]}" "$IMAGE"

# Healthy means: the artifact was verified and has answered its golden examples on this very processor.
for (( try = 0; try < NUM_TRIES; try++ )); do
  if [ "$(docker inspect --format '{{.State.Health.Status}}' textwright)" = healthy ]; then
    finish SUCCESS
    exit 0
  fi
  sleep 2
done
docker logs --tail 50 textwright
exit 1
