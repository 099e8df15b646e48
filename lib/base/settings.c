#include "base/settings.h"

#include <stddef.h>

#include "base/log.h"
#include "base/scope.h"

static const struct conf_key keys[] = {
	{ "REMOTE_IMAGE", NULL },
	{ "REGISTRY_URL", "localhost:5000" },
	{ "IMAGE_NAME", "robot-app" },
	{ "ROBOT_CONTAINERS", "robot-service-1 robot-service-2 robot-service-3" },
	{ "SERVICE_*_HOST", NULL },
	{ "SERVICE_*_HEALTH", NULL },
	{ "SERVICE_*_REGISTRY", NULL },
	{ "SERVICE_*_TLS", NULL },
	{ "SERVICE_*_CERT_PATH", NULL },
	{ "DOCKER_CERT_PATH", NULL },
	{ "TAGS", "semver:*" },
	{ "VERIFY_KEY", NULL },
	{ "POLICY", NULL },
	{ "CERTIFICATE_IDENTITY", NULL },
	{ "CERTIFICATE_OIDC_ISSUER", NULL },
	{ "TRUSTED_ROOT", NULL },
	{ "HEALTH_CHECK_TIMEOUT", "120" },
	{ "HEALTH_CHECK_INTERVAL", "10" },
	{ "SOAK", "10" },
	{ "STABLE_AFTER", "24h" },
	{ "KEEP_IMAGES", "3" },
	{ "STRATEGY", "auto" },
	{ "MIN_FREE_MB", "200" },
	{ "ON_FAILURE", "rollback-all" },
	{ "CANARY", "0" },
	{ "BATCH", "1" },
	{ "UPDATE_WINDOW", "" },
	{ "HOOKS_DIR", "/etc/gantry/hooks.d" },
	{ "HOOK_TIMEOUT", "60" },
	{ "ENABLE_NOTIFICATIONS", "false" },
	{ "WEBHOOK_URL", "" },
	{ "SLACK_CHANNEL", "" },
	{ "COMPOSE_FILE", NULL },
	{ "PINS_FILE", ".env" },
	{ "STATE_DIR", "/var/lib/gantry" },
	{ "METRICS_DIR", NULL },
	{ "LOG_LEVEL", "info" },
	{ "LOG_FILE", "" },
	{ NULL, NULL },
};

int
settings_load(const char *given, char *const *environment, struct conf **ret, struct err *e)
{
	AUTO_CONF struct conf *c = NULL;
	struct err why = { 0 };
	enum log_level level;
	const char *path;

	if (conf_find(given, &path, e) < 0 || conf_new(keys, &c, e) < 0)
		return -1;
	if (path != NULL && conf_load(c, path, e) < 0)
		return -1;
	if (conf_env(c, environment, e) < 0)
		return -1;
	if (!log_parse_level(conf_get(c, "LOG_LEVEL"), &level))
		return conf_bad(c, "LOG_LEVEL", e, "must be error, warn, info or debug, not '%s'",
				conf_get(c, "LOG_LEVEL"));
	log_set_default(level);
	if (conf_get(c, "LOG_FILE")[0] != '\0' && log_to_file(conf_get(c, "LOG_FILE"), &why) < 0)
		return conf_bad(c, "LOG_FILE", e, "%s", why.msg);
	*ret = TAKE_PTR(c);
	return 0;
}
