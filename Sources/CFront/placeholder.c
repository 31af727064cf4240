int cf_placeholder;
